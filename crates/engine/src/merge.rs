//! Merging parts: reading the live rows of some, writing them as fewer, and keeping track of where
//! each row went, so that rows deleted meanwhile stay deleted. Not here: which parts to merge and
//! when ([`crate::jobs`]); the commit ([`crate::working`]).

use std::sync::Arc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_ord::sort::{SortColumn, lexsort_to_indices};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;
use dodb_rowstore::Usage;
use roaring::RoaringBitmap;

use crate::assemble::{GRANULE_ROWS, NewPart, Purpose, assemble};
use crate::db::Core;
use crate::error::Result;
use crate::scan::live_batches;
use crate::state::PartState;
use crate::table::TableDef;

/// The outcome of a merge, not yet committed.
pub(crate) struct Merged {
    pub(crate) inputs: Vec<u64>,
    pub(crate) outputs: Vec<NewPart>,
    /// What was deleted in each input when it was read.
    seen: Vec<Option<Arc<RoaringBitmap>>>,
    /// Live rows of each input when it was read.
    live: Vec<u64>,
    /// Where the rows of the inputs, one input after the other, went; `None`: where they were.
    moved_to: Option<Vec<u32>>,
}

/// Reads the live rows of `inputs` and encodes them anew, sorted if the table has an order.
pub(crate) fn merge(
    core: &Core,
    def: &TableDef,
    inputs: &[Arc<PartState>],
    usage: &Usage,
) -> Result<Merged> {
    let bytes: u64 = inputs.iter().map(|p| p.bytes).sum();
    let mut readers = Vec::with_capacity(inputs.len());
    for part in inputs {
        readers.push(live_batches(core, def, part, usage)?);
    }
    let batches = readers.into_iter().flatten();
    let (outputs, moved_to) = if def.order_by.is_empty() {
        (assemble(def, &core.options, Purpose::Merge, bytes, batches)?, None)
    } else {
        let batches = batches.collect::<Result<Vec<_>>>()?;
        let (sorted, moved_to) = sort(def, &batches)?;
        let slices = (0..sorted.num_rows())
            .step_by(GRANULE_ROWS)
            .map(|start| Ok(sorted.slice(start, GRANULE_ROWS.min(sorted.num_rows() - start))));
        (assemble(def, &core.options, Purpose::Merge, bytes, slices)?, Some(moved_to))
    };
    Ok(Merged {
        inputs: inputs.iter().map(|p| p.no).collect(),
        outputs,
        seen: inputs.iter().map(|p| p.deleted.clone()).collect(),
        live: inputs.iter().map(|p| p.live()).collect(),
        moved_to,
    })
}

fn sort(def: &TableDef, batches: &[RecordBatch]) -> Result<(RecordBatch, Vec<u32>)> {
    let all = concat_batches(&def.schema.arrow(), batches)?;
    let mut by = Vec::with_capacity(def.order_by.len());
    for id in &def.order_by {
        let at = def.schema.columns().iter().position(|c| c.id == *id);
        if let Some(values) = at.and_then(|at| all.columns().get(at)) {
            by.push(SortColumn { values: values.clone(), options: None });
        }
    }
    let order: UInt32Array = lexsort_to_indices(&by, None)?;
    let sorted = take_record_batch(&all, &order)?;
    let mut moved_to = vec![0; order.len()];
    for (to, from) in order.values().iter().enumerate() {
        if let Some(slot) = moved_to.get_mut(*from as usize) {
            *slot = to as u32;
        }
    }
    Ok((sorted, moved_to))
}

impl Merged {
    /// For each output, its rows that were deleted in `inputs` (as they are now) after they were
    /// read.
    pub(crate) fn late_deletions(&self, inputs: &[Arc<PartState>]) -> Vec<RoaringBitmap> {
        let mut out = vec![RoaringBitmap::new(); self.outputs.len()];
        let mut offset = 0u64;
        let none = RoaringBitmap::new();
        for ((input, seen), live) in inputs.iter().zip(&self.seen).zip(&self.live) {
            let seen = seen.as_deref().unwrap_or(&none);
            let now = input.deleted.as_deref().unwrap_or(&none);
            for row in now - seen {
                let from = offset + u64::from(row) - seen.rank(row);
                let to = match &self.moved_to {
                    None => from,
                    Some(moved) => moved.get(from as usize).copied().map_or(from, u64::from),
                };
                self.mark(&mut out, to);
            }
            offset += live;
        }
        out
    }

    fn mark(&self, out: &mut [RoaringBitmap], row: u64) {
        let mut row = row;
        for (part, marks) in self.outputs.iter().zip(out) {
            if row < part.rows {
                marks.insert(row as u32);
                return;
            }
            row -= part.rows;
        }
    }
}
