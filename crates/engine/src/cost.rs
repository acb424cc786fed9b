//! What a request costs on Cloudflare's price list. Not here: the counting, which is `rowstore`'s.

use dodb_rowstore::UsageCounts;

/// Dollars a unit. Sources: the pricing pages of Durable Objects and R2, November 2026.
#[derive(Debug, Clone, Copy)]
pub struct Prices {
    /// A row read.
    pub row_read: f64,
    /// A row written.
    pub row_written: f64,
    /// An object read (class B).
    pub object_get: f64,
    /// An object written (class A).
    pub object_put: f64,
    /// A gigabyte (10^9 bytes) of rows kept for a month.
    pub row_gb_month: f64,
    /// A gigabyte of objects kept for a month.
    pub object_gb_month: f64,
}

/// The price list in force.
pub const PRICES: Prices = Prices {
    row_read: 0.001e-6,
    row_written: 1.0e-6,
    object_get: 0.36e-6,
    object_put: 4.5e-6,
    row_gb_month: 0.20,
    object_gb_month: 0.015,
};

impl Prices {
    /// Dollars for what `usage` counted, allowances not subtracted.
    pub fn usd(&self, usage: &UsageCounts) -> f64 {
        usage.rows_read as f64 * self.row_read
            + usage.rows_written as f64 * self.row_written
            + usage.object_gets as f64 * self.object_get
            + usage.object_puts as f64 * self.object_put
    }
}
