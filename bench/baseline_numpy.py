#!/usr/bin/env python3
"""The replay of September 2019 in NumPy, vectorised over paths: the same draws, the same equations, the same results.

    python3 bench/baseline_numpy.py build/release/repoquake [--paths 16384] [--rounds 5]

Prints nanoseconds of CPU per path and day beside those of the program, and the largest difference from the program's file;
fails if that is above 1e-6 (bp, bn, %).
"""

import sys

import numpy as np

import september as s

BLOCK = 2048  # paths: the columns of a block stay in the cache
MAX_STEPS = 200


def philox(counter, seed):
    """Philox 4x32-10; words in 64 bits."""
    mask = np.uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = counter
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((product1 >> np.uint64(32)) ^ c1 ^ np.uint64(k0), product1 & mask,
                          (product0 >> np.uint64(32)) ^ c3 ^ np.uint64(k1), product0 & mask)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniforms(seed, paths, day, pair):
    counter = (paths & np.uint64(0xFFFFFFFF), paths >> np.uint64(32), np.full_like(paths, day), np.full_like(paths, pair << 16))
    w0, w1, w2, w3 = philox(counter, seed)
    open01 = lambda high, low: ((high << np.uint64(20) | low >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52
    return open01(w1, w0), open01(w3, w2)


def normal(u):
    q = u - 0.5
    r = np.sqrt(-np.log(np.minimum(u, 1.0 - u)))
    tail = np.where(r <= 5.0, s.ratio(s.TAIL, r - 1.6), s.ratio(s.FAR_TAIL, r - 5.0))
    return np.where(np.abs(q) <= 0.425, q * s.ratio(s.CENTRE, 0.180625 - q * q), np.copysign(tail, q))


def normals(seed, paths, day, pair):
    return [normal(u) for u in uniforms(seed, paths, day, pair)]


def student4(u):
    """Unit variance: sqrt(1/2) times the quantile of t(4)."""
    x = 2.0 * np.sin(np.arcsin(2.0 * u - 1.0) / 3.0)
    return np.sqrt(2.0) * x / np.sqrt(1.0 - x * x)


def capacity_of(p, reserves, volatility, precaution, factor):
    z = (reserves / p.bank_assets - p.banks_scarcity_ratio) / p.banks_kink_width
    above = p.banks_kink_width * np.logaddexp(0.0, z)
    share = -p.banks_lending_share * p.banks_saturation * np.expm1(-above / p.banks_saturation)
    return p.bank_assets * share * (1.0 - precaution) * (volatility / 60.0) ** -p.banks_volatility_elasticity * factor


def saturating(cash, scale, distance):
    """Value, slope and curvature of cash u / (scale + u), u = (distance)+."""
    u = np.maximum(distance, 0.0)
    inverse = 1.0 / (scale + u)
    slope = np.where(distance > 0.0, cash * scale * inverse * inverse, 0.0)
    return cash * u * inverse, slope, -2.0 * slope * inverse


def bids(p, offered, rate):
    reach = rate + p.repo_operations_gcf_premium
    unused = p.repo_operations_appetite_share * p.repo_volume * np.exp(-np.maximum(reach, 0.0) / p.repo_operations_appetite_scale)
    wanted = p.repo_operations_appetite_share * p.repo_volume - unused
    slope = np.where((reach > 0.0) & (wanted < offered), unused / p.repo_operations_appetite_scale, 0.0)
    return np.minimum(wanted, offered), slope, -slope / p.repo_operations_appetite_scale


def excess(p, f, a_e, need, cash, capacity, markup, offered, x):
    funds = saturating(cash, p.money_funds_switching_scale, x - f)
    banks = saturating(capacity, a_e, x - p.banks_reservation_spread)
    beyond = x - p.need_stress_spread
    value = (need - p.need_elasticity * np.maximum(x, 0.0) - p.need_stress_elasticity * np.maximum(beyond, 0.0)
             - funds[0] - banks[0])
    slope = -p.need_elasticity * (x > 0.0) - p.need_stress_elasticity * (beyond > 0.0) - funds[1] - banks[1]
    curvature = -funds[2] - banks[2]
    if np.any(offered > 0.0):
        fed = bids(p, offered, x + markup)
        phi = p.repo_operations_pass_through
        value, slope, curvature = value - phi * fed[0], slope - phi * fed[1], curvature - phi * fed[2]
    return value, slope, curvature


def clear(p, f, a_e, need, cash, capacity, markup, offered, x):
    """Halley's iteration within a bracket, bisection where it leaves it, all paths abreast."""
    at = lambda x: excess(p, f, a_e, need, cash, capacity, markup, offered, x)
    low, high = np.full_like(need, f), np.full_like(need, 3000.0)
    is_met = at(low)[0] <= 0.0
    is_short = at(high)[0] > 0.0
    x = np.clip(x, low, high)
    is_open = ~(is_met | is_short)
    for step in range(MAX_STEPS):
        if not is_open.any():
            break
        value, slope, curvature = at(x)
        low, high = np.where(value > 0.0, x, low), np.where(value > 0.0, high, x)
        denominator = 2.0 * slope * slope - value * curvature
        is_usable = denominator > 1e-200
        move = -2.0 * value * slope / np.where(is_usable, denominator, 1.0)
        trial = x + move
        is_inside = is_usable & (trial > low) & (trial < high) & (step < 8 or step % 2 == 1)
        is_done = (is_usable & (np.abs(move) < 1e-11)) | (high - low < 1e-10)
        x = np.where(is_open, np.where(is_done, np.clip(trial, low, high), np.where(is_inside, trial, 0.5 * (low + high))), x)
        is_open &= ~is_done
    return np.where(is_met, f, np.where(is_short, 3000.0, x))


def below(x, centre, left, right):
    """Mass of a two-piece Laplace law below x, and the density there."""
    z = x - centre
    width = np.where(z < 0.0, left, right)
    e = 0.5 * np.exp(-np.abs(z) / width)
    return np.where(z < 0.0, e, 1.0 - e), e / width


def quantile(p, share, am, am_left, am_right, pm, pm_left, pm_right):
    """Newton's iteration on the log of the mass below, within a bracket; upper quantiles are lower ones of the mirror."""
    if share > 0.5:
        return -quantile(p, 1.0 - share, -am, am_right, am_left, -pm, pm_right, pm_left)
    omega = p.dispersion_am_weight
    ends = [c + left * np.log(2.0 * share) for c, left in ((am, am_left), (pm, pm_left))]
    low, high = np.minimum(*ends), np.maximum(*ends)
    x = ends[0]
    is_open = high - low > 1e-10
    for _ in range(MAX_STEPS):
        if not is_open.any():
            break
        am_mass, am_density = below(x, am, am_left, am_right)
        pm_mass, pm_density = below(x, pm, pm_left, pm_right)
        mass = omega * am_mass + (1.0 - omega) * pm_mass
        density = omega * am_density + (1.0 - omega) * pm_density
        low, high = np.where(mass < share, x, low), np.where(mass < share, high, x)
        move = -np.log(mass / share) * mass / np.maximum(density, 1e-200)
        trial = x + move
        is_done = (np.abs(move) < 1e-10) | (high - low < 1e-10)
        is_inside = (trial > low) & (trial < high)
        x = np.where(is_open, np.where(is_done, np.clip(trial, low, high), np.where(is_inside, trial, 0.5 * (low + high))), x)
        is_open &= ~is_done
    return x


def percentiles(p, s_am, s_pm, eta):
    widening = [eta * np.maximum(c - 10.0, 0.0) for c in (s_am, s_pm)]
    am, pm = [(1.0 + p.dispersion_left_tail * w, 1.0 + p.dispersion_right_tail * w) for w in widening]
    return [quantile(p, share, s_am, *am, s_pm, *pm) for share in (0.01, 0.25, 0.5, 0.75, 0.99)]


def margin_of(p, volatility):
    return (p.basis_trade_haircut
            + p.basis_trade_futures_margin * np.maximum(volatility / 60.0, 0.5) ** p.basis_trade_margin_elasticity)


def margin_calls(p, Q, E, b, q, mu, impact, outside):
    """The least fixed point of total sales, piece by piece from below, all paths abreast: sales by cohort, and forced ones."""
    target, cap = mu * (1.0 + p.basis_trade_target_cushion), p.basis_trade_max_daily_sale * Q
    voluntary = np.minimum(q * Q, cap)
    trigger = mu * (1.0 + p.basis_trade_maintenance_cushion) * (1.0 - q) * Q
    rise = Q * impact / 1e4 / target
    believed = voluntary.sum(axis=0)
    is_open = np.ones(b.shape, bool)
    while is_open.any():
        widened = np.maximum((1.0 - p.basis_trade_basis_reversion) * b + impact * (outside + believed), 0.0)
        left = E - Q * ((widened - b) / 1e4)
        is_forced = left < trigger
        wanted = Q - np.maximum(left, 0.0) / target
        sales = np.where(is_forced, np.clip(wanted, voluntary, cap), voluntary)
        is_free = is_forced & (wanted > voluntary) & (wanted < cap) & (left > 0.0) & (widened > 0.0)
        total, slope = sales.sum(axis=0), np.where(is_free, rise, 0.0).sum(axis=0)
        end = np.min(np.where(is_free, believed + (cap - sales) / np.maximum(rise, 1e-300), np.inf), axis=0)
        gap = total - believed
        is_open &= gap > 1e-9
        solved = np.where(slope < 1.0, believed + gap / np.where(slope < 1.0, 1.0 - slope, 1.0), end)
        believed = np.where(is_open, np.maximum(total, np.minimum(solved, end)), believed)
    return sales, np.where(is_forced, sales - voluntary, 0.0)


def cents(amount):
    return np.rint(amount * 1e11).astype(np.int64)


def simulate_block(replay, paths, out):
    p, days = replay.constants, replay.days
    V, zero = p.repo_volume, np.zeros(len(paths))
    draws = [*normals(replay.seed, paths, 0, s.CAPACITIES), *normals(replay.seed, paths, 0, s.FUNDS)]
    u_k = np.exp(p.banks_capacity_dispersion * draws[0] - p.banks_capacity_dispersion**2 / 2)
    u_d = np.exp(p.dealers_capacity_dispersion * draws[1])
    u_l = np.exp(p.basis_trade_leverage_uncertainty * draws[2])

    def need_at(x, capacity):
        return -excess(p, days.floor[0], days.half_saturation[0], 0.0, p.mmf_cash, capacity, 0.0, 0.0, x)[0]

    capacity = lambda factor: capacity_of(p, p.fed_balance_sheet_reserves, days.volatility[0], 0.0, factor)
    slow = need_at(p.trend_spread, capacity(u_k))
    z = need_at(p.opening_spread, capacity(u_k)) - slow
    s_open = zero + p.opening_spread
    s_am = fs = s_open
    C = zero + p.mmf_cash
    tga_cash, coupons, pullback, fund_need, D, H, b, y, noise = (zero for _ in range(9))
    fast = slow_volatility = p.treasury_volatility

    reserves, tga = (np.full(len(paths), cents(x)) for x in (p.fed_balance_sheet_reserves, p.fed_balance_sheet_tga))
    on_rrp, fed = np.full(len(paths), cents(p.fed_balance_sheet_on_rrp)), cents(zero)
    leverage = np.clip(replay.leverage[:, None] * u_l, p.basis_trade_leverage_min, p.basis_trade_leverage_max)
    Q = np.full(leverage.shape, p.basis_trade_position / len(leverage))
    E = np.maximum(Q / leverage, 1.03 * margin_of(p, fast) * (1.0 + p.basis_trade_maintenance_cushion) * Q)
    opening_equity = E.sum(axis=0)

    def record(day, rates, need, capacity, position, sold, equity):
        amounts = (x / 1e11 for x in (reserves, tga, on_rrp, np.zeros_like(fed), fed))
        sofr = [days.iorb[day] + rate / 100.0 for rate in (rates[2], rates[0], rates[1], rates[3], rates[4])]
        tgcr = days.iorb[day] + (rates[2] - 2.4) / 100.0
        shown = (rates[2], *sofr, tgcr, *amounts, need, capacity, position, sold, D, b, y, 100.0 * (equity / opening_equity - 1.0))
        for k, column in enumerate(shown):
            out[k, :, day] = column

    rates = [rate + fan for rate, fan in zip(percentiles(p, s_open, s_open, zero + 1.0), p.fan)]
    record(0, rates, need_at(p.opening_spread, capacity(1.0)), capacity(1.0), zero + p.basis_trade_position, zero, opening_equity)

    for t in range(1, replay.n_days):
        f, a_e, vol = days.floor[t], days.half_saturation[t], days.volatility[t]
        need_shock, late_shock = (student4(u) for u in uniforms(replay.seed, paths, t, s.NEED))
        xi_pullback, xi_noise = normals(replay.seed, paths, t, s.PULLBACK_AND_NOISE)
        xi_tail, _ = normals(replay.seed, paths, t, s.TAIL_AND_SALES)

        # Before the open.
        z = p.need_shock_persistence * z + p.need_shock_sd * V * need_shock
        coupons = ((1.0 - p.need_distribution_rate) * coupons + p.need_coupon_share * days.coupons[t]
                   + p.need_bill_share * days.bills[t])
        tga_cash = 0.9 * tga_cash + p.need_tga_share * days.tga[t]
        if days.is_end[t]:
            sd = p.need_pullback_dispersion
            pullback = days.pullback[t] * V * np.exp(sd * xi_pullback - 0.5 * sd * sd)
        else:
            pullback = (p.need_pullback_carry if days.follows_end[t] else 0.0) * pullback
        need = slow + z + coupons + tga_cash + pullback + fund_need - days.gse_cash[t]
        D = (1.0 - p.dealers_inventory_decay) * D
        markup = days.markup[t] + p.dealers_markup * (D / (p.dealers_capacity * V * u_d)) ** 2
        drain = days.tga[t] + days.other[t]

        # Two sessions.
        before, fed_before = reserves / 1e11, fed / 1e11
        capacity_am = capacity_of(p, before - p.need_anticipated_drain * drain, vol, H, u_k)
        offer = zero + days.offer[t]
        x_am = clear(p, f, a_e, need, C, capacity_am, markup, offer, s_am)
        fed_am = bids(p, offer, x_am + markup)[0]
        s_am = ((1.0 - p.dealers_sticky_share) * (x_am + markup) + p.dealers_sticky_share * (s_am - days.iorb_change[t]))
        offer = offer + np.where(s_am > replay.emergency_trigger, days.emergency[t], 0.0)
        capacity_pm = capacity_of(p, before - drain + (fed_am - fed_before), vol, H, u_k)
        x_pm = clear(p, f, a_e, need + p.need_late_shock_sd * V * late_shock, C, capacity_pm, markup, offer, x_am)
        fed_pm = bids(p, offer, x_pm + markup)[0]
        s_pm = x_pm + markup

        # The books close.
        placed = C - saturating(C, p.money_funds_switching_scale, np.minimum(x_am, x_pm) - f)[0]
        placed = np.maximum(placed, 0.0) + (p.money_funds_unplaceable_share * pullback if days.is_end[t] else 0.0)
        moved = [cents(np.maximum(fed_am, fed_pm)) - fed, cents(placed) - on_rrp, cents(days.tga[t]), cents(days.other[t])]
        fed, on_rrp, tga = fed + moved[0], on_rrp + moved[1], tga + moved[2]
        reserves = reserves + moved[0] - moved[1] - moved[2] - moved[3]

        # What is published.
        noise = (p.dispersion_noise_persistence * noise
                 + p.dispersion_noise_sd * np.sqrt(1.0 - p.dispersion_noise_persistence**2) * xi_noise)
        rates = percentiles(p, s_am, s_pm, np.exp(p.dispersion_tail_dispersion * xi_tail))
        rates = [np.maximum(rate + fan, f - 5.0) + noise for rate, fan in zip(rates, p.fan)]

        # Leveraged funds; this replay has no sales of others and no moves of yields.
        fast = fast + (1.0 - 0.5 ** (1.0 / p.basis_trade_margin_half_life)) * (vol - fast)
        slow_volatility = slow_volatility + 0.03 * (vol - slow_volatility)
        fs = fs + p.basis_trade_carry_weight * (s_am - fs)
        mu = margin_of(p, fast)
        alarm = max(np.log(fast / slow_volatility), 0.0)
        q = np.clip(p.basis_trade_voluntary_exit * alarm + 0.05 * np.maximum(fs - p.basis_trade_carry_trigger, 0.0) / 60.0, 0.0, 0.2)
        depth = (max(vol, fast) / 60.0) ** p.basis_trade_impact_elasticity
        impact = p.basis_trade_impact * depth
        E = E - Q * (s_am - s_open) / 1e4 * (days.nights[t] / 360.0)
        sales = q * Q
        sold = sales.sum(axis=0)
        widened = lambda sold: np.maximum((1.0 - p.basis_trade_basis_reversion) * b + impact * sold, 0.0)
        left = E - Q * ((widened(sold) - b) / 1e4)
        called = (left < mu * (1.0 + p.basis_trade_maintenance_cushion) * (1.0 - q) * Q).any(axis=0)
        if called.any():
            sales[:, called], _ = margin_calls(p, Q[:, called], E[:, called], b[called], q[called], mu, impact, 0.0)
            sold = sales.sum(axis=0)
        E = E - Q * ((widened(sold) - b) / 1e4)
        Q = Q - sales
        b = widened(sold)
        y = 0.97 * y + p.basis_trade_yield_impact * depth * sold

        # For tomorrow.
        carried = np.maximum(D + p.dealers_first_absorption * sold, 0.0)
        fund_need = 0.93 * fund_need + (carried - D) - sold
        D = carried
        stress = np.maximum(np.maximum(s_pm, s_am) - 20.0, 0.0)
        H = np.maximum(p.precaution_persistence * H, -p.precaution_max_cut * np.expm1(-stress / p.precaution_scale))
        record(t, rates, need, capacity_am, Q.sum(axis=0), sold, E.sum(axis=0))


def simulate(replay, first, paths):
    out = np.empty((len(s.VARIABLES), paths, replay.n_days))
    for start in range(0, paths, BLOCK):
        end = min(start + BLOCK, paths)
        simulate_block(replay, np.arange(first + start, first + end, dtype=np.uint64), out[:, start:end])
    return out


if __name__ == "__main__":
    sys.exit(s.main(__doc__, f"NumPy {np.__version__}", simulate))
