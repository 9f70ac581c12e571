"""A slow, obvious re-implementation of the daily money-market model.

Written from the description of the equations alone, to be compared with the program. numpy only; one array element per path;
every root by bisection; the steps of a day stand in the order in which the description gives them.

Units: amounts in USD bn, spreads in bp relative to IORB, administered rates in percent, volatility in bp.

    inputs = read_inputs(csv_file)                      # columns of the series file, as arrays over the rows
    out    = simulate(world, inputs, n_paths, seed)     # numpy draws
    out    = simulate(world, inputs, n_paths, seed, draws=d)   # the caller's draws, arrays of shape (path, day) or (path,)
    out["spread"]                                       # (path, day); everything returned is listed at the end of simulate()

`draws` may hold, per path and day: need_shock, late_shock (both Student t scaled to unit variance), pullback, rate_noise, tail_width,
other_sales (standard normals); per path: bank_capacity, dealer_capacity, fund_leverage, sales_scale (standard normals). Column 0 (the
opening day) is never used. A missing name is drawn with numpy.
"""
import csv
import datetime
import math
import statistics

import numpy as np

BISECTION_STEPS = 64
MAX_SPREAD = 3000.0
CENTS_PER_BN = 10**11

DEFAULT_PARAMETERS = {
    "banks": {
        "lending_share": 0.82, "saturation": 0.085, "scarcity_ratio": 0.060, "kink_width": 0.003, "half_saturation": 15.0,
        "reservation_spread": -7.5, "capacity_dispersion": 0.18, "volatility_elasticity": 0.4,
    },
    "precaution": {"max_cut": 0.15, "scale": 45.0, "persistence": 0.70},
    "money_funds": {"switching_scale": 5.0, "unplaceable_share": 0.5},
    "need": {
        "anticipated_drain": 0.14, "coupon_share": 0.63, "bill_share": 0.53, "distribution_rate": 0.06, "tga_share": 0.28,
        "gse_window": 0.004, "pullback": {"month": 0.039, "quarter": 0.037, "year": 0.045}, "pullback_carry": 0.27,
        "pullback_dispersion": 0.35, "shock_sd": 0.013, "shock_persistence": 0.77, "late_shock_sd": 0.012,
        "degrees_of_freedom": 4.0, "elasticity": 0.025, "stress_elasticity": 0.06, "stress_spread": 250.0,
    },
    "dealers": {
        "sticky_share": 0.065, "markup": 20.0, "capacity": 0.10, "inventory_decay": 0.08,
        "period_end_markup": {"month": 1.0, "quarter": 2.5, "year": 4.0}, "first_absorption": 0.65, "capacity_dispersion": 0.25,
    },
    "standing_repo": {"addressable_share": 0.08, "stigma": [("1900-01-01", 65.0), ("2025-12-11", 30.0)], "smoothing": 3.5},
    "repo_operations": {"pass_through": 0.40, "appetite_scale": 25.0, "appetite_share": 0.40, "gcf_premium": 6.0},
    "dispersion": {
        "fan": (-5.0, -2.0, 0.0, 6.5, 10.0), "right_tail": 0.26, "left_tail": 0.10, "tail_with_standing_repo": 0.15,
        "tail_dispersion": 0.45, "am_weight": 0.93, "noise_sd": 1.2, "noise_persistence": 0.5,
    },
    "basis_trade": {
        "cohorts": 24, "leverage": {"median": 34.0, "sd": 0.45, "uncertainty": 0.25, "min": 8.0, "max": 100.0},
        "haircut": 0.004, "futures_margin": 0.0065, "margin_elasticity": 1.0, "margin_half_life": 4.0,
        "maintenance_cushion": 0.25, "target_cushion": 0.70, "max_daily_sale": 0.30, "voluntary_exit": 0.025,
        "carry_weight": 0.15, "carry_trigger": 60.0, "refinanced_share": 0.8, "duration": 4.5, "impact": 0.065,
        "impact_elasticity": 1.0, "basis_reversion": 0.06, "yield_impact": 0.065, "other_sales_dispersion": 0.35,
    },
}

# The opening values of the three replays. `rates`: (from, IORB, ON RRP) in percent. `standing_repo`: None or a map with `spread` (rate
# minus IORB, bp), `cap` (None: no cap), `stigma` (None: the parameter's), `sessions`. `operations`: a morning's size (`size` a number or
# "series", `from`), or an afternoon operation of one `date` that acts `when_am_spread_above` its trigger.
REPLAY_2019 = {
    "repo_volume": 1179.0, "bank_assets": 17494.2, "opening_spread": 5.0, "trend_spread": 3.5, "mmf_cash": 15.0,
    "treasury_volatility": 85.0, "position": 550.0, "need": "invert",
    "sheet": {"securities": 4000.0, "repo_operations": 0.0, "standing_repo": 0.0, "reserves": 1458.666, "tga": 183.581,
              "on_rrp": 3.612, "foreign_rrp": 300.0, "currency": 1800.0, "other_liabilities": 100.0},
    "rates": [("2019-08-01", 2.10, 2.00), ("2019-09-19", 1.80, 1.70)],
    "standing_repo": None,
    "operations": [{"date": "2019-09-17", "when_am_spread_above": 60.0, "size": 53.0, "minimum_bid": 0.0},
                   {"from": "2019-09-18", "size": "series", "minimum_bid": 0.0}],
}
REPLAY_2020 = {
    "repo_volume": 1291.0, "bank_assets": 18035.0, "opening_spread": -1.0, "trend_spread": -2.0, "mmf_cash": 15.0,
    "treasury_volatility": 80.0, "position": 500.0, "need": "invert",
    "sheet": {"securities": 3850.0, "repo_operations": 150.0, "standing_repo": 0.0, "reserves": 1700.34, "tga": 404.0,
              "on_rrp": 3.0, "foreign_rrp": 225.0, "currency": 1800.0, "other_liabilities": 100.0},
    "rates": [("2020-01-30", 1.60, 1.50), ("2020-03-04", 1.10, 1.00), ("2020-03-16", 0.10, 0.00)],
    "standing_repo": None,
    "operations": [{"from": "2020-03-02", "size": "series", "minimum_bid": 0.0}],
}
REPLAY_2025 = {
    "repo_volume": 3022.0, "bank_assets": 24567.76, "opening_spread": 3.0, "trend_spread": 2.0, "mmf_cash": 15.0,
    "treasury_volatility": 78.0, "position": 1300.0, "need": "invert",
    "sheet": {"securities": 4000.0, "repo_operations": 0.0, "standing_repo": 0.0, "reserves": 2929.34, "tga": 905.393,
              "on_rrp": 4.102, "foreign_rrp": 300.0, "currency": 1800.0, "other_liabilities": 100.0},
    "rates": [("2025-09-18", 4.15, 4.00), ("2025-10-30", 3.90, 3.75)],
    "standing_repo": {"spread": 10.0, "cap": 500.0, "stigma": 65.0, "sessions": ("am", "pm")},
    "operations": [],
}


# ---------------------------------------------------------------------------------------------------------------- inputs and calendar

def read_inputs(file):
    """The series file: `date` as a list of dates, every other column as an array over the rows (blank: nan for volatility, else 0)."""
    with open(file, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    columns = {"date": [datetime.date.fromisoformat(r["date"].strip()) for r in rows]}
    for name in rows[0]:
        if name != "date":
            blank = math.nan if name == "treasury_volatility_bp" else 0.0
            columns[name] = np.array([float(r[name]) if r[name].strip() else blank for r in rows])
    return columns


def _nth_weekday(year, month, weekday, n):
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))


def _easter(year):
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    l = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * l) // 451
    return datetime.date(year, (h + l - 7 * m + 114) // 31, (h + l - 7 * m + 114) % 31 + 1)


def holidays(year):
    """Days without a SOFR fixing, weekends apart. (Good Fridays on which the market opens for half a day are not told apart.)"""
    last_monday_of_may = datetime.date(year, 5, 31)
    last_monday_of_may -= datetime.timedelta(last_monday_of_may.weekday())
    fixed = [datetime.date(year, 1, 1), datetime.date(year, 7, 4), datetime.date(year, 11, 11), datetime.date(year, 12, 25)]
    if year >= 2022:
        fixed.append(datetime.date(year, 6, 19))
    observed = [d + datetime.timedelta(1) if d.weekday() == 6 else d for d in fixed]
    moving = [_nth_weekday(year, 1, 0, 3), _nth_weekday(year, 2, 0, 3), last_monday_of_may, _nth_weekday(year, 9, 0, 1),
              _nth_weekday(year, 10, 0, 2), _nth_weekday(year, 11, 3, 4), _easter(year) - datetime.timedelta(2)]
    return set(observed + moving)


def is_business_day(day):
    return day.weekday() < 5 and day not in holidays(day.year)


def next_business_day(day):
    day += datetime.timedelta(1)
    while not is_business_day(day):
        day += datetime.timedelta(1)
    return day


def period_end(day):
    """none, month, quarter or year: the last business day of it."""
    following = next_business_day(day)
    if following.month == day.month:
        return "none"
    if following.year != day.year:
        return "year"
    return "quarter" if day.month % 3 == 0 else "month"


def gse_window(day):
    return 1.0 if 18 <= day.day <= 24 else 0.0


def in_force(dated, day):
    """The last entry of a dated list whose first element is not after the day."""
    found = None
    for entry in dated:
        if datetime.date.fromisoformat(entry[0]) <= day:
            found = entry
    return found


def policy_of_day(world, inputs, t, p):
    """Everything the central bank sets on day t. Rates as spreads to IORB in bp."""
    day = inputs["date"][t]
    _, iorb, on_rrp = in_force(world["rates"], day)
    policy = {"iorb": iorb, "f": (on_rrp - iorb) * 100.0, "srf": None, "morning_size": 0.0, "minimum_bid": 0.0, "afternoon": []}
    srf = world["standing_repo"]
    if srf is not None and datetime.date.fromisoformat(srf.get("from", "1900-01-01")) <= day:
        stigma = srf.get("stigma")
        if stigma is None:
            stigma = p["standing_repo"]["stigma"]
        if not isinstance(stigma, (int, float)):
            stigma = in_force(stigma, day)[1]
        cap = srf.get("cap")
        policy["srf"] = {"spread": srf["spread"], "cap": math.inf if cap is None else cap, "stigma": stigma,
                         "sessions": srf.get("sessions", ("am", "pm"))}
    for operation in world["operations"]:
        if "when_am_spread_above" in operation:
            if datetime.date.fromisoformat(operation["date"]) == day:
                policy["afternoon"].append(operation)
        elif datetime.date.fromisoformat(operation["from"]) <= day:
            if operation["size"] == "series":
                policy["morning_size"] = inputs["repo_operation_offered_usd_bn"][t]
            else:
                policy["morning_size"] = operation["size"]
            policy["minimum_bid"] = operation["minimum_bid"]
    return policy


# ------------------------------------------------------------------------------------------------------------- kernels of the equations

def softplus(u):
    return np.logaddexp(0.0, u)


def positive_part(u):
    return np.maximum(u, 0.0)


def bank_capacity(reserves, volatility, hoarding, u_k, assets, p):
    b = p["banks"]
    above_scarcity = b["kink_width"] * softplus((reserves / assets - b["scarcity_ratio"]) / b["kink_width"])
    concave = b["saturation"] * (1.0 - np.exp(-above_scarcity / b["saturation"]))
    return b["lending_share"] * assets * concave * (1.0 - hoarding) * (volatility / 60.0) ** (-b["volatility_elasticity"]) * u_k


def lend_money_funds(x, cash, f, p):
    over = positive_part(x - f)
    return cash * over / (p["money_funds"]["switching_scale"] + over)


def lend_banks(x, capacity, a_e, p):
    over = positive_part(x - p["banks"]["reservation_spread"])
    return capacity * over / (a_e + over)


def lend_standing_repo(v, srf, session, volume, p):
    if srf is None or session not in srf["sessions"]:
        return 0.0 * v
    s = p["standing_repo"]
    advantage = s["smoothing"] * softplus((v - srf["spread"]) / s["smoothing"])
    return np.minimum(s["addressable_share"] * volume * (1.0 - np.exp(-advantage / srf["stigma"])), srf["cap"])


def lend_operation(v, size, minimum_bid, volume, p):
    o = p["repo_operations"]
    bids = o["appetite_share"] * volume * (1.0 - np.exp(-positive_part(v + o["gcf_premium"] - minimum_bid) / o["appetite_scale"]))
    return np.minimum(size, bids)


def supply(x, session, m, p):
    """The four schedules at clearing spread x. m: the state of the market in this session."""
    v = x + m["d"]
    return (lend_money_funds(x, m["C"], m["f"], p)
            + lend_banks(x, m["K"], m["a_e"], p)
            + lend_standing_repo(v, m["srf"], session, m["V"], p)
            + p["repo_operations"]["pass_through"] * lend_operation(v, m["A"], m["s_op"], m["V"], p))


def excess_need(x, need, session, m, p):
    n = p["need"]
    return (need - n["elasticity"] * positive_part(x) - n["stress_elasticity"] * positive_part(x - n["stress_spread"])
            - supply(x, session, m, p))


def clear(need, session, m, p):
    """The spread x at which excess need is zero, by bisection on [f, 3000]; and whether there was none below 3000."""
    low = np.full(need.shape, m["f"], dtype=float)
    high = np.full(need.shape, MAX_SPREAD)
    at_floor = excess_need(low, need, session, m, p) <= 0.0
    flagged = excess_need(high, need, session, m, p) > 0.0
    for _ in range(BISECTION_STEPS):
        middle = 0.5 * (low + high)
        too_low = excess_need(middle, need, session, m, p) > 0.0
        low = np.where(too_low, middle, low)
        high = np.where(too_low, high, middle)
    x = 0.5 * (low + high)
    x = np.where(at_floor, m["f"], x)
    x = np.where(flagged, MAX_SPREAD, x)
    return x, flagged


def need_that_clears_at(x, m, p):
    """The clearing equation read the other way, the stress elasticity off."""
    at = np.full(m["K"].shape, float(x))
    need = p["need"]["elasticity"] * positive_part(at) + supply(at, "am", m, p)
    return np.where(at < m["f"], 0.0, need)


def mixture_cdf(x, centres, weights, left, right):
    total = 0.0
    for c, w, sl, sr in zip(centres, weights, left, right):
        below = 0.5 * np.exp(-np.abs(x - c) / sl)
        above = 1.0 - 0.5 * np.exp(-np.abs(x - c) / sr)
        total = total + w * np.where(x < c, below, above)
    return total


def mixture_quantile(q, centres, weights, left, right):
    """By bisection between the two components' own quantiles."""
    each = []
    for c, sl, sr in zip(centres, left, right):
        each.append(c + sl * math.log(2.0 * q) if q < 0.5 else c - sr * math.log(2.0 * (1.0 - q)))
    low = np.minimum(*each)
    high = np.maximum(*each)
    for _ in range(BISECTION_STEPS):
        middle = 0.5 * (low + high)
        too_low = mixture_cdf(middle, centres, weights, left, right) < q
        low = np.where(too_low, middle, low)
        high = np.where(too_low, high, middle)
    return 0.5 * (low + high)


EFFR_KNOTS = ((7.5, 8.5, 9.5, 10.5, 11.25, 11.75, 12.25, 12.75, 13.5), (13.0, 3.0, 0.0, -1.0, -3.0, -3.0, -4.0, -6.0, -7.0))


def effr_spread(reserves, assets):
    return np.interp(100.0 * reserves / assets, *EFFR_KNOTS)


def reported_rates(s_am, s_pm, eta, noise, f, srf, day, p):
    """SOFR as a distribution: percentiles with noise (spreads, bp), TGCR, and the volume above the standing repo rate."""
    g = p["dispersion"]
    tau = 1.0 if srf is None else g["tail_with_standing_repo"]
    centres = (s_am, s_pm)
    weights = (g["am_weight"], 1.0 - g["am_weight"])
    right = [1.0 + g["right_tail"] * eta * tau * positive_part(c - 10.0) for c in centres]
    left = [1.0 + g["left_tail"] * eta * tau * positive_part(c - 10.0) for c in centres]
    out = {}
    for name, q, fan in zip(("p1", "p25", "p50", "p75", "p99"), (0.01, 0.25, 0.50, 0.75, 0.99), g["fan"]):
        out[name] = np.maximum(mixture_quantile(q, centres, weights, left, right) + fan, f - 5.0) + noise
    s = out["p50"]
    out["tgcr"] = s - 1.9 - 0.14 * positive_part(s) if day.year >= 2021 else s - 2.4
    if srf is None:
        out["above_srf"] = np.full(s_am.shape, math.nan)
    else:
        out["above_srf"] = 1.0 - mixture_cdf(srf["spread"] - g["fan"][2] + 0.0 * s_am, centres, weights, left, right)
    return out


def margin(volatility_average, p):
    h = p["basis_trade"]
    return h["haircut"] + h["futures_margin"] * np.maximum(volatility_average / 60.0, 0.5) ** h["margin_elasticity"]


def fund_sales(Q, E, b, q, mu, lam, other, p):
    """The least fixed point of the total of sales at or above the voluntary ones, from below. Q, E: (path, cohort). Returns S, b'."""
    h = p["basis_trade"]

    def answer(total, Q, E, b, q, mu, other):
        b_new = positive_part((1.0 - h["basis_reversion"]) * b + lam * (other + total))
        left = E - Q * (b_new - b)[:, None] / 1e4
        voluntary = q[:, None] * Q
        short = left < mu * (1.0 + h["maintenance_cushion"]) * (1.0 - q)[:, None] * Q
        forced = np.maximum(voluntary, Q - positive_part(left) / (mu * (1.0 + h["target_cushion"])))
        S = np.minimum(np.where(short, forced, voluntary), h["max_daily_sale"] * Q)
        return S, b_new

    total = (q[:, None] * Q).sum(axis=1)
    moving = np.arange(Q.shape[0])
    for _ in range(1_000_000):
        S, _ = answer(total[moving], Q[moving], E[moving], b[moving], q[moving], mu, other[moving])
        new = S.sum(axis=1)
        change = np.abs(new - total[moving])
        total[moving] = new
        moving = moving[change > 1e-9]
        if moving.size == 0:
            break
    return answer(total, Q, E, b, q, mu, other)


def cents(amount):
    return np.rint(np.asarray(amount, dtype=float) * CENTS_PER_BN).astype(np.int64)


# ------------------------------------------------------------------------------------------------------------------------ the simulation

DAILY_NORMALS = ("pullback", "rate_noise", "tail_width", "other_sales")
PATH_NORMALS = ("bank_capacity", "dealer_capacity", "fund_leverage", "sales_scale")


def draw(n_paths, n_days, seed, p, given=None):
    rng = np.random.default_rng(seed)
    n = p["need"]["degrees_of_freedom"]
    unit = math.sqrt((n - 2.0) / n)
    draws = {"need_shock": unit * rng.standard_t(n, (n_paths, n_days)), "late_shock": unit * rng.standard_t(n, (n_paths, n_days))}
    for name in DAILY_NORMALS:
        draws[name] = rng.standard_normal((n_paths, n_days))
    for name in PATH_NORMALS:
        draws[name] = rng.standard_normal(n_paths)
    for name, values in (given or {}).items():
        if name not in draws:
            raise KeyError(name)
        draws[name] = np.broadcast_to(np.asarray(values, dtype=float), draws[name].shape)
    return draws


def simulate(world, inputs, n_paths, seed=1, draws=None, parameters=None):
    p = parameters or DEFAULT_PARAMETERS
    days = inputs["date"]
    n_days = len(days)
    xi = draw(n_paths, n_days, seed, p, draws)
    zero = np.zeros(n_paths)

    def column(name):
        return inputs.get(name, np.zeros(n_days))

    def extra(name, t):
        """A shock of the world: {"tga": {date: amount}, "repo_demand": ..., "volatility": ..., "yield": ...}."""
        return world.get("shocks", {}).get(name, {}).get(days[t].isoformat(), 0.0)

    V = world["repo_volume"]
    assets = world["bank_assets"]
    volatility_before = world["treasury_volatility"]
    volatility = np.where(np.isnan(inputs.get("treasury_volatility_bp", np.full(n_days, math.nan))), volatility_before,
                          inputs.get("treasury_volatility_bp", volatility_before))

    # Constants of a path.
    u_k = np.exp(p["banks"]["capacity_dispersion"] * xi["bank_capacity"] - p["banks"]["capacity_dispersion"] ** 2 / 2)
    u_d = np.exp(p["dealers"]["capacity_dispersion"] * xi["dealer_capacity"])
    u_l = np.exp(p["basis_trade"]["leverage"]["uncertainty"] * xi["fund_leverage"])
    sd_x = p["basis_trade"]["other_sales_dispersion"]
    u_x = np.exp(sd_x * xi["sales_scale"] - sd_x**2 / 2)

    # The opening balance sheet, in cents; other assets close it.
    sheet = {name: np.full(n_paths, cents(world["sheet"][name])) for name in world["sheet"]}
    sheet["other_assets"] = (sheet["reserves"] + sheet["tga"] + sheet["on_rrp"] + sheet["foreign_rrp"] + sheet["currency"]
                             + sheet["other_liabilities"] - sheet["securities"] - sheet["repo_operations"] - sheet["standing_repo"])

    # Day 0 is given. The need that clears the opening.
    policy = policy_of_day(world, inputs, 0, p)
    C = world.get("mmf_cash")
    if C is None:
        over_floor = max(world["opening_spread"] - policy["f"], 0.0)
        C = max(15.0, world["sheet"]["on_rrp"] * (1.0 + over_floor / p["money_funds"]["switching_scale"]))
    a_of = {"none": 1.0, "month": 1.5, "quarter": 1.85, "year": 1.85}
    market = {"f": policy["f"], "srf": policy["srf"], "V": V, "C": C, "d": 0.0, "A": policy["morning_size"], "s_op": policy["minimum_bid"],
              "a_e": p["banks"]["half_saturation"] * a_of[period_end(days[0])],
              "K": bank_capacity(world["sheet"]["reserves"], volatility[0], 0.0, u_k, assets, p)}
    need = world["need"]
    if isinstance(need, str) and need == "invert":
        slow_need = need_that_clears_at(world["trend_spread"], market, p)
        z = need_that_clears_at(world["opening_spread"], market, p) - slow_need
        s_open = np.full(n_paths, world["opening_spread"])
    else:  # held: the base's (`slow_need`, `z` per path) or an amount
        if isinstance(need, (int, float)):
            need = {"slow_need": need, "z": 0.0}
        slow_need = zero + need["slow_need"]
        z = zero + need["z"]
        s_open, _ = clear(slow_need + z, "am", market, p)

    # What is carried.
    s_am = s_open.copy()
    cpn, tga_n, hf_n, D, H, b, y = (zero.copy() for _ in range(7))
    pullback, was_period_end = zero.copy(), False
    noise = zero.copy()
    C = zero + C
    fs = s_open.copy()
    move_e = move_slow = volatility_before

    # Funds at the opening.
    h = p["basis_trade"]
    lev = h["leverage"]
    n_c = h["cohorts"]
    normal = statistics.NormalDist()
    base_leverage = np.array([math.exp(math.log(lev["median"]) + lev["sd"] * normal.inv_cdf((i + 0.5) / n_c)) for i in range(n_c)])
    leverage = np.clip(np.clip(base_leverage, lev["min"], lev["max"])[None, :] * u_l[:, None], lev["min"], lev["max"])
    Q = np.full((n_paths, n_c), world["position"] / n_c)
    E = np.maximum(Q / leverage, 1.03 * margin(volatility_before, p) * (1.0 + h["maintenance_cushion"]) * Q)
    opening_equity = E.sum(axis=1)

    out = {}

    def record(t, **values):
        for name, value in values.items():
            if name not in out:
                out[name] = np.full((n_paths, n_days), math.nan)
            out[name][:, t] = value

    def record_day(t, policy, rates, **values):
        iorb = policy["iorb"]
        R = sheet["reserves"] / CENTS_PER_BN
        record(t, spread=rates["p50"], sofr=iorb + rates["p50"] / 100, sofr_p1=iorb + rates["p1"] / 100,
               sofr_p25=iorb + rates["p25"] / 100, sofr_p75=iorb + rates["p75"] / 100, sofr_p99=iorb + rates["p99"] / 100,
               tgcr=iorb + rates["tgcr"] / 100, effr=iorb + effr_spread(R, assets) / 100, iorb=iorb, on_rrp_rate=iorb + policy["f"] / 100,
               standing_repo_rate=math.nan if policy["srf"] is None else iorb + policy["srf"]["spread"] / 100,
               volume_above_srf_rate=rates["above_srf"], reserves=R,
               tga=sheet["tga"] / CENTS_PER_BN, on_rrp=sheet["on_rrp"] / CENTS_PER_BN, securities=sheet["securities"] / CENTS_PER_BN,
               standing_repo=sheet["standing_repo"] / CENTS_PER_BN, repo_operations=sheet["repo_operations"] / CENTS_PER_BN,
               basis_position=Q.sum(axis=1), futures_basis=b, yield_impact=y, dealer_inventory=D, hf_equity=E.sum(axis=1),
               hf_return=100.0 * (E.sum(axis=1) / opening_equity - 1.0) if world["position"] > 0 else zero,
               z=z, slow_need=slow_need, coupon_inventory=cpn, nonbank_tga=tga_n, fund_need=hf_n, mmf_cash=C, hoarding=H, pullback=pullback,
               funding_average=fs, move_e=move_e, move_slow=move_slow, noise=noise, **values)

    rates = reported_rates(s_open, s_open, 1.0 + zero, zero, policy["f"], policy["srf"], days[0], p)
    record_day(0, policy, rates, am_spread=s_open, pm_spread=s_open, x_am=s_open, x_pm=s_open, repo_need=slow_need + z,
               bank_capacity=market["K"], bank_capacity_pm=market["K"], basis_sales=zero, basis_sales_forced=zero, dealer_markup=zero,
               flagged=zero, cash_cut=zero, voluntary_share=zero, margin=margin(volatility_before, p), other_sales=zero)

    for t in range(1, n_days):
        # Calendar and policy.
        yesterday_iorb = policy["iorb"]
        policy = policy_of_day(world, inputs, t, p)
        policy["iorb"] += extra("iorb", t) / 100.0
        f, srf = policy["f"], policy["srf"]
        e = period_end(days[t])
        vol = volatility[t] + extra("volatility", t)
        flow = {
            "tga": column("tga_usd_bn")[t] - column("tga_usd_bn")[t - 1] + extra("tga", t),
            "currency": column("currency_change_usd_bn")[t],
            "foreign_rrp": column("foreign_rrp_change_usd_bn")[t],
            "other_liabilities": column("other_factors_drain_usd_bn")[t],
            "securities": column("securities_change_usd_bn")[t],
        }
        drain = flow["tga"] + flow["currency"] + flow["foreign_rrp"] + flow["other_liabilities"] - flow["securities"]

        # Need.
        n = p["need"]
        z = n["shock_persistence"] * z + n["shock_sd"] * V * xi["need_shock"][:, t]
        cpn = ((1.0 - n["distribution_rate"]) * cpn + n["coupon_share"] * column("net_coupons_usd_bn")[t]
               + n["bill_share"] * column("net_bills_usd_bn")[t])
        tga_n = 0.9 * tga_n + n["tga_share"] * flow["tga"]
        if e != "none":
            sd = n["pullback_dispersion"]
            pullback = n["pullback"][e] * V * np.exp(sd * xi["pullback"][:, t] - sd**2 / 2)
        elif was_period_end:
            pullback = n["pullback_carry"] * pullback
        else:
            pullback = zero
        was_period_end = e != "none"
        gse = -n["gse_window"] * V * (gse_window(days[t]) - gse_window(days[0]))
        N = slow_need + z + cpn + tga_n + pullback + hf_n + gse + extra("repo_demand", t)

        # The morning.
        C_before = C
        C = positive_part(C + column("mmf_cash_change_usd_bn")[t])
        cash_cut = C_before + column("mmf_cash_change_usd_bn")[t] < 0.0
        k = p["dealers"]
        D_aged = (1.0 - k["inventory_decay"]) * D
        d = (0.0 if e == "none" else k["period_end_markup"][e]) + k["markup"] * (D_aged / (k["capacity"] * V * u_d)) ** 2
        R_before = sheet["reserves"] / CENTS_PER_BN
        srf_before = sheet["standing_repo"] / CENTS_PER_BN
        tomo_before = sheet["repo_operations"] / CENTS_PER_BN
        R_am = R_before - n["anticipated_drain"] * drain
        market = {"f": f, "srf": srf, "V": V, "C": C, "d": d, "A": policy["morning_size"], "s_op": policy["minimum_bid"],
                  "a_e": p["banks"]["half_saturation"] * a_of[e], "K": bank_capacity(R_am, vol, H, u_k, assets, p)}
        K_am = market["K"]
        x_am, flag_am = clear(N, "am", market, p)
        srf_am = lend_standing_repo(x_am + d, srf, "am", V, p)
        tomo_am = lend_operation(x_am + d, market["A"], market["s_op"], V, p)
        iorb_change = (policy["iorb"] - yesterday_iorb) * 100.0
        s_am = (1.0 - k["sticky_share"]) * (x_am + d) + k["sticky_share"] * (s_am - iorb_change)

        # The afternoon.
        R_pm = R_before - drain + (srf_am - srf_before) + (tomo_am - tomo_before)
        A_pm = zero + policy["morning_size"]
        s_op_pm = zero + policy["minimum_bid"]
        for operation in policy["afternoon"]:
            acts = s_am > operation["when_am_spread_above"]
            A_pm = A_pm + np.where(acts, operation["size"], 0.0)
            s_op_pm = np.where(acts, operation["minimum_bid"], s_op_pm)
        market = dict(market, A=A_pm, s_op=s_op_pm, K=bank_capacity(R_pm, vol, H, u_k, assets, p))
        N_pm = N + n["late_shock_sd"] * V * xi["late_shock"][:, t]
        x_pm, flag_pm = clear(N_pm, "pm", market, p)
        s_pm = x_pm + d
        srf_pm = lend_standing_repo(x_pm + d, srf, "pm", V, p)
        tomo_pm = lend_operation(x_pm + d, A_pm, s_op_pm, V, p)

        # Facilities.
        standing_repo = np.maximum(srf_am, srf_pm)
        repo_operations = np.maximum(tomo_am, tomo_pm)
        on_rrp = positive_part(C - lend_money_funds(np.minimum(x_am, x_pm), C, f, p))
        if e != "none":
            on_rrp = on_rrp + p["money_funds"]["unplaceable_share"] * pullback

        # Fed balance sheet, in cents.
        change = {name: cents(amount) for name, amount in flow.items()}
        change["repo_operations"] = cents(repo_operations) - sheet["repo_operations"]
        change["standing_repo"] = cents(standing_repo) - sheet["standing_repo"]
        change["on_rrp"] = cents(on_rrp) - sheet["on_rrp"]
        change["reserves"] = (change["securities"] + change["repo_operations"] + change["standing_repo"] - change["tga"] - change["on_rrp"]
                              - change["foreign_rrp"] - change["currency"] - change["other_liabilities"])
        for name, amount in change.items():
            sheet[name] = sheet[name] + amount

        # SOFR as a distribution.
        g = p["dispersion"]
        eta = np.exp(g["tail_dispersion"] * xi["tail_width"][:, t])
        noise = (g["noise_persistence"] * noise
                 + g["noise_sd"] * math.sqrt(1.0 - g["noise_persistence"] ** 2) * xi["rate_noise"][:, t])
        rates = reported_rates(s_am, s_pm, eta, noise, f, srf, days[t], p)

        # Funds.
        move_e = move_e + (1.0 - 0.5 ** (1.0 / h["margin_half_life"])) * (vol - move_e)
        move_slow = move_slow + 0.03 * (vol - move_slow)
        rally = max(-(column("yield_change_bp")[t] + extra("yield", t)), 0.0)
        mu = margin(move_e, p) + (1.0 - h["refinanced_share"]) * h["duration"] * rally / 1e4
        nights = (next_business_day(days[t]) - days[t]).days
        E = E - Q * (s_am - s_open)[:, None] / 1e4 / 360.0 * nights
        fs = fs + h["carry_weight"] * (s_am - fs)
        q = np.clip(h["voluntary_exit"] * max(math.log(move_e / move_slow), 0.0)
                    + 0.05 * positive_part(fs - h["carry_trigger"]) / 60.0, 0.0, 0.2)
        scale = (max(vol, move_e) / 60.0) ** h["impact_elasticity"]
        X = column("other_treasury_sales_usd_bn")[t] * u_x * np.exp(0.25 * xi["other_sales"][:, t])
        B = column("fed_purchases_usd_bn")[t]
        S, b_new = fund_sales(Q, E, b, q, mu, h["impact"] * scale, X - B, p)
        sold = S.sum(axis=1)
        forced = (S - np.minimum(q[:, None] * Q, S)).sum(axis=1)
        E = E - Q * (b_new - b)[:, None] / 1e4
        Q = Q - S
        b = b_new
        y = 0.97 * y + h["yield_impact"] * scale * (X - B + sold)

        # Feedback, for tomorrow.
        D = positive_part(D_aged + k["first_absorption"] * (X + sold - B))
        hf_n = 0.93 * hf_n + (D - D_aged) - sold

        # Precaution.
        pc = p["precaution"]
        H = np.maximum(pc["persistence"] * H,
                       pc["max_cut"] * (1.0 - np.exp(-positive_part(np.maximum(s_pm, s_am) - 20.0) / pc["scale"])))

        record_day(t, policy, rates, am_spread=s_am, pm_spread=s_pm, x_am=x_am, x_pm=x_pm, repo_need=N, bank_capacity=K_am,
                   bank_capacity_pm=market["K"], basis_sales=sold, basis_sales_forced=forced, dealer_markup=d, flagged=flag_am | flag_pm,
                   cash_cut=cash_cut, voluntary_share=q, margin=mu, other_sales=X)

    # Observables: the names of the result file. State and intermediates besides them: x_am, x_pm (clearing spreads), bank_capacity_pm, z,
    # slow_need, coupon_inventory, nonbank_tga, fund_need, pullback, mmf_cash, hoarding, funding_average, move_e, move_slow, margin,
    # voluntary_share, other_sales, noise, flagged, cash_cut: (path, day), at the END of the day (fund_need, hoarding: for tomorrow).
    out["position_by_cohort"], out["equity_by_cohort"] = Q, E  # (path, cohort), end of the window
    out["sheet_cents"] = sheet  # end of the window
    return out
