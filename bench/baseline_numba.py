#!/usr/bin/env python3
"""The replay of September 2019 compiled by Numba, path by path: the same draws, the same equations, the same results.

    /usr/bin/python3 bench/baseline_numba.py build/release/repoquake [--paths 16384] [--rounds 5] [--naive]

With --naive the rates are found as one would first write it: the clearing rate and every percentile by 100 bisections.
Prints nanoseconds of CPU per path and day beside those of the program, and the largest difference from the program's file;
fails if that is above 1e-6 (bp, bn, %). Needs Debian's python3-numba.
"""

import math
import sys

import numba
import numpy as np

import september as s

MAX_STEPS = 200
NAIVE = "--naive" in sys.argv  # known when Numba compiles
BISECTIONS = 100
fast = numba.njit(error_model="numpy")
CENTRE, TAIL, FAR_TAIL = s.CENTRE, s.TAIL, s.FAR_TAIL
MASK = np.uint64(0xFFFFFFFF)
LOW, HALF = np.uint64(12), np.uint64(32)


@fast
def uniforms(seed, path, day, pair):
    """Philox 4x32-10: the uniforms of both streams of a pair."""
    c0, c1, c2, c3 = path & MASK, path >> HALF, np.uint64(day), np.uint64(pair << 16)
    k0, k1 = seed & MASK, seed >> HALF
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (product1 >> HALF) ^ c1 ^ k0, product1 & MASK, (product0 >> HALF) ^ c3 ^ k1, product0 & MASK
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & MASK, (k1 + np.uint64(0xBB67AE85)) & MASK
    return (float(((c1 << HALF) | c0) >> LOW) + 0.5) * 2.0**-52, (float(((c3 << HALF) | c2) >> LOW) + 0.5) * 2.0**-52


ratio = fast(s.ratio)


@fast
def normal(u):
    q = u - 0.5
    if abs(q) <= 0.425:
        return q * ratio(CENTRE, 0.180625 - q * q)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    return math.copysign(ratio(TAIL, r - 1.6) if r <= 5.0 else ratio(FAR_TAIL, r - 5.0), q)


@fast
def student4(u):
    """Unit variance: sqrt(1/2) times the quantile of t(4)."""
    x = 2.0 * math.sin(math.asin(2.0 * u - 1.0) / 3.0)
    return math.sqrt(2.0) * x / math.sqrt(1.0 - x * x)


@fast
def softplus(z):
    return max(z, 0.0) + math.log1p(math.exp(-abs(z)))


@fast
def capacity_of(p, reserves, volatility, precaution, factor):
    above = p.banks_kink_width * softplus((reserves / p.bank_assets - p.banks_scarcity_ratio) / p.banks_kink_width)
    share = -p.banks_lending_share * p.banks_saturation * math.expm1(-above / p.banks_saturation)
    return p.bank_assets * share * (1.0 - precaution) * (volatility / 60.0) ** -p.banks_volatility_elasticity * factor


@fast
def saturating(cash, scale, distance):
    """Value, slope and curvature of cash u / (scale + u), u = (distance)+."""
    if distance <= 0.0:
        return 0.0, 0.0, 0.0
    inverse = 1.0 / (scale + distance)
    slope = cash * scale * inverse * inverse
    return cash * distance * inverse, slope, -2.0 * slope * inverse


@fast
def bids(p, offered, rate):
    reach = rate + p.repo_operations_gcf_premium
    most = p.repo_operations_appetite_share * p.repo_volume
    unused = most * math.exp(-max(reach, 0.0) / p.repo_operations_appetite_scale)
    if most - unused >= offered:
        return offered, 0.0, 0.0
    slope = unused / p.repo_operations_appetite_scale if reach > 0.0 else 0.0
    return most - unused, slope, -slope / p.repo_operations_appetite_scale


@fast
def excess(p, f, a_e, need, cash, capacity, markup, offered, x):
    funds, funds_slope, funds_curvature = saturating(cash, p.money_funds_switching_scale, x - f)
    banks, banks_slope, banks_curvature = saturating(capacity, a_e, x - p.banks_reservation_spread)
    value, slope, curvature = need - funds - banks, -funds_slope - banks_slope, -funds_curvature - banks_curvature
    if x > 0.0:
        value, slope = value - p.need_elasticity * x, slope - p.need_elasticity
    if x > p.need_stress_spread:
        value, slope = value - p.need_stress_elasticity * (x - p.need_stress_spread), slope - p.need_stress_elasticity
    if offered > 0.0:
        fed, fed_slope, fed_curvature = bids(p, offered, x + markup)
        phi = p.repo_operations_pass_through
        value, slope, curvature = value - phi * fed, slope - phi * fed_slope, curvature - phi * fed_curvature
    return value, slope, curvature


@fast
def clear(p, f, a_e, need, cash, capacity, markup, offered, x):
    """Halley's iteration within a bracket, bisection where it leaves it."""
    low, high = f, 3000.0
    if excess(p, f, a_e, need, cash, capacity, markup, offered, low)[0] <= 0.0:
        return f
    if excess(p, f, a_e, need, cash, capacity, markup, offered, high)[0] > 0.0:
        return 3000.0
    if NAIVE:
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            if excess(p, f, a_e, need, cash, capacity, markup, offered, middle)[0] > 0.0:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)
    x = min(max(x, low), high)
    for step in range(MAX_STEPS):
        value, slope, curvature = excess(p, f, a_e, need, cash, capacity, markup, offered, x)
        if value > 0.0:
            low = x
        else:
            high = x
        denominator = 2.0 * slope * slope - value * curvature
        trial = x - 2.0 * value * slope / denominator if denominator > 1e-200 else math.nan
        if high - low < 1e-10:
            return 0.5 * (low + high)
        if abs(trial - x) < 1e-11:
            return min(max(trial, low), high)
        x = trial if low < trial < high and (step < 8 or step % 2 == 1) else 0.5 * (low + high)
    return x


@fast
def below(x, centre, left, right):
    """Mass of a two-piece Laplace law below x, and the density there."""
    if x < centre:
        e = 0.5 * math.exp((x - centre) / left)
        return e, e / left
    e = 0.5 * math.exp((centre - x) / right)
    return 1.0 - e, e / right


@fast
def lower_quantile(omega, share, am, am_left, am_right, pm, pm_left, pm_right):
    """Newton's iteration on the log of the mass below, within a bracket."""
    distance = math.log(2.0 * share)
    x, other = am + am_left * distance, pm + pm_left * distance
    low, high = min(x, other), max(x, other)
    if NAIVE:
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            mass = omega * below(middle, am, am_left, am_right)[0] + (1.0 - omega) * below(middle, pm, pm_left, pm_right)[0]
            if mass < share:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)
    for _ in range(MAX_STEPS):
        if high - low < 1e-10:
            break
        am_mass, am_density = below(x, am, am_left, am_right)
        pm_mass, pm_density = below(x, pm, pm_left, pm_right)
        mass = omega * am_mass + (1.0 - omega) * pm_mass
        density = omega * am_density + (1.0 - omega) * pm_density
        if mass < share:
            low = x
        else:
            high = x
        trial = x - math.log(mass / share) * mass / max(density, 1e-200)
        if abs(trial - x) < 1e-10:
            return min(max(trial, low), high)
        x = trial if low < trial < high else 0.5 * (low + high)
    return x


@fast
def percentiles(p, s_am, s_pm, eta, rates):
    """Upper quantiles are lower ones of the mirrored law."""
    am, pm = eta * max(s_am - 10.0, 0.0), eta * max(s_pm - 10.0, 0.0)
    am_left, am_right = 1.0 + p.dispersion_left_tail * am, 1.0 + p.dispersion_right_tail * am
    pm_left, pm_right = 1.0 + p.dispersion_left_tail * pm, 1.0 + p.dispersion_right_tail * pm
    omega = p.dispersion_am_weight
    rates[0] = lower_quantile(omega, 0.01, s_am, am_left, am_right, s_pm, pm_left, pm_right)
    rates[1] = lower_quantile(omega, 0.25, s_am, am_left, am_right, s_pm, pm_left, pm_right)
    rates[2] = lower_quantile(omega, 0.50, s_am, am_left, am_right, s_pm, pm_left, pm_right)
    rates[3] = -lower_quantile(omega, 0.25, -s_am, am_right, am_left, -s_pm, pm_right, pm_left)
    rates[4] = -lower_quantile(omega, 0.01, -s_am, am_right, am_left, -s_pm, pm_right, pm_left)
    for k in range(5):
        rates[k] += p.fan[k]


@fast
def margin_of(p, volatility):
    return (p.basis_trade_haircut
            + p.basis_trade_futures_margin * max(volatility / 60.0, 0.5) ** p.basis_trade_margin_elasticity)


@fast
def widened(p, b, impact, sold):
    return max((1.0 - p.basis_trade_basis_reversion) * b + impact * sold, 0.0)


@fast
def answer(p, Q, E, q, mu, loss):
    """What a cohort sells at this loss; is it between what it wants of its own will and its cap?"""
    left, cap = E - Q * loss, p.basis_trade_max_daily_sale * Q
    voluntary = min(q * Q, cap)
    if left >= mu * (1.0 + p.basis_trade_maintenance_cushion) * (1.0 - q) * Q:
        return voluntary, False
    wanted = Q - max(left, 0.0) / (mu * (1.0 + p.basis_trade_target_cushion))
    return min(max(wanted, voluntary), cap), voluntary < wanted < cap and left > 0.0


@fast
def total_sales(p, Q, E, b, q, mu, impact):
    """The least fixed point at or above the voluntary sales, piece by piece from below."""
    believed = 0.0
    for c in range(len(Q)):
        believed += min(q, p.basis_trade_max_daily_sale) * Q[c]
    while True:
        after = widened(p, b, impact, believed)
        total, slope, end = 0.0, 0.0, np.inf
        for c in range(len(Q)):
            sales, is_free = answer(p, Q[c], E[c], q, mu, (after - b) / 1e4)
            total += sales
            if is_free and after > 0.0:
                rise = Q[c] * impact / 1e4 / (mu * (1.0 + p.basis_trade_target_cushion))
                slope += rise
                end = min(end, believed + (p.basis_trade_max_daily_sale * Q[c] - sales) / rise)
        gap = total - believed
        if gap <= 1e-9:
            return max(total, believed)
        believed = max(total, min(believed + gap / (1.0 - slope) if slope < 1.0 else end, end))


@fast
def need_at(p, days, x, capacity):
    return -excess(p, days.floor[0], days.half_saturation[0], 0.0, p.mmf_cash, capacity, 0.0, 0.0, x)[0]


@fast
def to_cents(amount):
    return np.int64(math.floor(amount * 1e11 + 0.5))


@fast
def record(out, day, iorb, rates, reserves, tga, on_rrp, fed, need, capacity, position, sold, D, b, y, fund_return):
    out[0, day] = rates[2]
    out[1, day] = iorb + rates[2] / 100.0
    out[2, day] = iorb + rates[0] / 100.0
    out[3, day] = iorb + rates[1] / 100.0
    out[4, day] = iorb + rates[3] / 100.0
    out[5, day] = iorb + rates[4] / 100.0
    out[6, day] = iorb + (rates[2] - 2.4) / 100.0
    out[7, day], out[8, day], out[9, day], out[10, day], out[11, day] = reserves / 1e11, tga / 1e11, on_rrp / 1e11, 0.0, fed / 1e11
    out[12, day], out[13, day], out[14, day], out[15, day] = need, capacity, position, sold
    out[16, day], out[17, day], out[18, day], out[19, day] = D, b, y, fund_return


@fast
def simulate_path(p, days, leverage, emergency_trigger, seed, path, Q, E, rates, out):
    V, n_days, n_cohorts = p.repo_volume, len(days.iorb), len(leverage)
    u0, u1 = uniforms(seed, path, 0, s_CAPACITIES)
    u2, _ = uniforms(seed, path, 0, s_FUNDS)
    u_k = math.exp(p.banks_capacity_dispersion * normal(u0) - p.banks_capacity_dispersion**2 / 2)
    u_d = math.exp(p.dealers_capacity_dispersion * normal(u1))
    u_l = math.exp(p.basis_trade_leverage_uncertainty * normal(u2))

    middle = capacity_of(p, p.fed_balance_sheet_reserves, days.volatility[0], 0.0, 1.0)
    slow = need_at(p, days, p.trend_spread, u_k * middle)
    z = need_at(p, days, p.opening_spread, u_k * middle) - slow
    s_open = s_am = fs = p.opening_spread
    tga_cash = coupons = pullback = fund_need = D = H = b = y = noise = 0.0
    volatility = slow_volatility = p.treasury_volatility
    reserves, tga = to_cents(p.fed_balance_sheet_reserves), to_cents(p.fed_balance_sheet_tga)
    on_rrp, fed = to_cents(p.fed_balance_sheet_on_rrp), np.int64(0)
    least = 1.03 * margin_of(p, volatility) * (1.0 + p.basis_trade_maintenance_cushion)
    opening_equity = 0.0
    for c in range(n_cohorts):
        own = min(max(leverage[c] * u_l, p.basis_trade_leverage_min), p.basis_trade_leverage_max)
        Q[c] = p.basis_trade_position / n_cohorts
        E[c] = Q[c] * max(1.0 / own, least)
        opening_equity += E[c]
    percentiles(p, s_open, s_open, 1.0, rates)
    record(out, 0, days.iorb[0], rates, reserves, tga, on_rrp, fed, need_at(p, days, p.opening_spread, middle), middle,
           p.basis_trade_position, 0.0, D, b, y, 0.0)

    for t in range(1, n_days):
        f, a_e, vol = days.floor[t], days.half_saturation[t], days.volatility[t]
        u_need, u_late = uniforms(seed, path, t, s_NEED)
        u_pullback, u_noise = uniforms(seed, path, t, s_PULLBACK_AND_NOISE)
        u_tail, _ = uniforms(seed, path, t, s_TAIL_AND_SALES)

        # Before the open.
        z = p.need_shock_persistence * z + p.need_shock_sd * V * student4(u_need)
        coupons = ((1.0 - p.need_distribution_rate) * coupons + p.need_coupon_share * days.coupons[t]
                   + p.need_bill_share * days.bills[t])
        tga_cash = 0.9 * tga_cash + p.need_tga_share * days.tga[t]
        if days.is_end[t]:
            sd = p.need_pullback_dispersion
            pullback = days.pullback[t] * V * math.exp(sd * normal(u_pullback) - 0.5 * sd * sd)
        else:
            pullback = p.need_pullback_carry * pullback if days.follows_end[t] else 0.0
        need = slow + z + coupons + tga_cash + pullback + fund_need - days.gse_cash[t]
        D = (1.0 - p.dealers_inventory_decay) * D
        load = D / (p.dealers_capacity * V * u_d)
        markup = days.markup[t] + p.dealers_markup * load * load
        drain = days.tga[t] + days.other[t]

        # Two sessions.
        before = reserves / 1e11
        capacity_am = capacity_of(p, before - p.need_anticipated_drain * drain, vol, H, u_k)
        offer = days.offer[t]
        x_am = clear(p, f, a_e, need, p.mmf_cash, capacity_am, markup, offer, s_am)
        fed_am = bids(p, offer, x_am + markup)[0]
        s_am = (1.0 - p.dealers_sticky_share) * (x_am + markup) + p.dealers_sticky_share * (s_am - days.iorb_change[t])
        if s_am > emergency_trigger:
            offer += days.emergency[t]
        capacity_pm = capacity_of(p, before - drain + (fed_am - fed / 1e11), vol, H, u_k)
        late_need = need + p.need_late_shock_sd * V * student4(u_late)
        x_pm = clear(p, f, a_e, late_need, p.mmf_cash, capacity_pm, markup, offer, x_am)
        fed_pm = bids(p, offer, x_pm + markup)[0]
        s_pm = x_pm + markup

        # The books close.
        placed = max(p.mmf_cash - saturating(p.mmf_cash, p.money_funds_switching_scale, min(x_am, x_pm) - f)[0], 0.0)
        if days.is_end[t]:
            placed += p.money_funds_unplaceable_share * pullback
        fed_change, placed_change = to_cents(max(fed_am, fed_pm)) - fed, to_cents(placed) - on_rrp
        fed += fed_change
        on_rrp += placed_change
        tga += to_cents(days.tga[t])
        reserves += fed_change - placed_change - to_cents(days.tga[t]) - to_cents(days.other[t])

        # What is published.
        noise = (p.dispersion_noise_persistence * noise
                 + p.dispersion_noise_sd * math.sqrt(1.0 - p.dispersion_noise_persistence**2) * normal(u_noise))
        percentiles(p, s_am, s_pm, math.exp(p.dispersion_tail_dispersion * normal(u_tail)), rates)
        for k in range(5):
            rates[k] = max(rates[k], f - 5.0) + noise

        # Leveraged funds; this replay has no sales of others and no moves of yields.
        volatility += (1.0 - 0.5 ** (1.0 / p.basis_trade_margin_half_life)) * (vol - volatility)
        slow_volatility += 0.03 * (vol - slow_volatility)
        fs += p.basis_trade_carry_weight * (s_am - fs)
        mu = margin_of(p, volatility)
        alarm = max(math.log(volatility / slow_volatility), 0.0)
        carry = max(fs - p.basis_trade_carry_trigger, 0.0) / 60.0
        q = min(p.basis_trade_voluntary_exit * alarm + 0.05 * carry, 0.2)
        depth = (max(vol, volatility) / 60.0) ** p.basis_trade_impact_elasticity
        impact = p.basis_trade_impact * depth
        cost = (s_am - s_open) / 1e4 * (days.nights[t] / 360.0)
        for c in range(n_cohorts):
            E[c] -= Q[c] * cost
        sold = total_sales(p, Q, E, b, q, mu, impact)
        after = widened(p, b, impact, sold)
        loss = (after - b) / 1e4
        position = equity = sold = 0.0
        for c in range(n_cohorts):
            sales, _ = answer(p, Q[c], E[c], q, mu, loss)
            E[c] -= Q[c] * loss
            Q[c] -= sales
            sold += sales
            position += Q[c]
            equity += E[c]
        b = widened(p, b, impact, sold)
        y = 0.97 * y + p.basis_trade_yield_impact * depth * sold

        # For tomorrow.
        carried = max(D + p.dealers_first_absorption * sold, 0.0)
        fund_need = 0.93 * fund_need + (carried - D) - sold
        D = carried
        stress = max(max(s_pm, s_am) - 20.0, 0.0)
        H = max(p.precaution_persistence * H, -p.precaution_max_cut * math.expm1(-stress / p.precaution_scale))
        record(out, t, days.iorb[t], rates, reserves, tga, on_rrp, fed, need, capacity_am, position, sold, D, b, y,
               100.0 * (equity / opening_equity - 1.0))


s_NEED, s_PULLBACK_AND_NOISE, s_TAIL_AND_SALES = s.NEED, s.PULLBACK_AND_NOISE, s.TAIL_AND_SALES
s_CAPACITIES, s_FUNDS = s.CAPACITIES, s.FUNDS


@fast
def simulate_paths(p, days, leverage, emergency_trigger, seed, first, out):
    Q, E, rates = np.empty(len(leverage)), np.empty(len(leverage)), np.empty(5)
    for k in range(out.shape[1]):
        simulate_path(p, days, leverage, emergency_trigger, seed, np.uint64(first + k), Q, E, rates, out[:, k])


def simulate(replay, first, paths):
    out = np.empty((len(s.VARIABLES), paths, replay.n_days))
    simulate_paths(replay.constants, replay.days, replay.leverage, replay.emergency_trigger, np.uint64(replay.seed), first, out)
    return out


if __name__ == "__main__":
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--naive"]
    sys.exit(s.main(__doc__, f"Numba {numba.__version__}{', naive' if NAIVE else ''}, NumPy {np.__version__}", simulate))
