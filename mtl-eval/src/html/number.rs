//! Numbers as people read them.

/// A number with about four significant digits.
pub(super) fn short(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "not a number".into() } else { format!("{value}") };
    }
    let size = value.abs();
    match () {
        () if size == 0.0 => "0".into(),
        () if !(1e-4..1e15).contains(&size) => format!("{value:.2e}"),
        () if size >= 1e6 => with_unit(value, 2),
        () if size >= 1000.0 => grouped(value.round()),
        () if size >= 100.0 => trimmed(format!("{value:.1}")),
        () if size >= 10.0 => trimmed(format!("{value:.2}")),
        () if size >= 0.1 => trimmed(format!("{value:.4}")),
        () => trimmed(format!("{value:.6}")),
    }
}

/// A whole number with thin spaces between thousands.
pub(super) fn count(value: usize) -> String {
    grouped(value as f64)
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Seconds as people say them.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() => "-".into(),
        s if s < 0.1 => format!("{:.0} ms", 1000.0 * s),
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:02.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// The label of a tick, with as many digits as tell it from its neighbours.
pub(super) fn tick(value: f64, step: f64) -> String {
    let size = value.abs();
    if size == 0.0 || size < step.abs() * 1e-6 {
        return "0".into();
    }
    if !(1e-4..1e15).contains(&size) {
        let digits = (size / step.abs()).log10().ceil();
        return format!("{value:.*e}", if digits.is_finite() { digits.clamp(0.0, 6.0) as usize } else { 0 });
    }
    let decimals = |unit: f64| (-(step.abs() / unit).log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize;
    if size >= 1e4 { with_unit(value, decimals(unit_of(size).0)) } else { format!("{value:.*}", decimals(1.0)) }
}

fn unit_of(size: f64) -> (f64, &'static str) {
    match size {
        s if s >= 1e12 => (1e12, "T"),
        s if s >= 1e9 => (1e9, "G"),
        s if s >= 1e6 => (1e6, "M"),
        _ => (1e3, "k"),
    }
}

fn with_unit(value: f64, decimals: usize) -> String {
    let (unit, name) = unit_of(value.abs());
    format!("{}{name}", format_args!("{:.decimals$}", value / unit))
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}
