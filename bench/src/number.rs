//! The one place where counts become floating-point numbers.

/// A count as a number to divide; exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "figures are printed with three digits")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
