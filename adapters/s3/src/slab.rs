//! One file of equal slots, without a name: what is in it goes with the process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The file. Its slots are given out and given back.
pub(crate) struct Slab {
    file: File,
    slot_bytes: u64,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u64>,
    /// Slots up to here have been given out once.
    made: u64,
}

/// What one slot holds. Gives it back when dropped.
pub(crate) struct Piece {
    slab: Arc<Slab>,
    slot: u64,
    pub(crate) length: usize,
}

impl Slab {
    pub(crate) fn new(file: File, slot_bytes: u64) -> Arc<Self> {
        Arc::new(Self { file, slot_bytes, slots: Mutex::default() })
    }

    /// Writes some bytes, at most those of a slot.
    pub(crate) fn write(self: &Arc<Self>, bytes: &[u8]) -> io::Result<Piece> {
        debug_assert!(bytes.len() as u64 <= self.slot_bytes, "it fits into a slot");
        let slot = self.take();
        // From here on it gives the slot back, whatever happens.
        let piece = Piece { slab: Arc::clone(self), slot, length: bytes.len() };
        self.file.write_all_at(bytes, slot * self.slot_bytes)?;
        Ok(piece)
    }

    fn take(&self) -> u64 {
        let mut slots = self.slots();
        if let Some(slot) = slots.free.pop() {
            return slot;
        }
        slots.made += 1;
        slots.made - 1
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Piece {
    /// Reads `length` bytes from `start` on, which lie within it.
    pub(crate) fn read(&self, start: usize, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let at = self.slot * self.slab.slot_bytes + start as u64;
        self.slab.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.slab.slots().free.push(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_that_was_given_back_is_used_again() {
        let slab = Slab::new(tempfile::tempfile().unwrap(), 8);
        let first = slab.write(b"12345678").unwrap();
        let second = slab.write(b"abc").unwrap();
        assert_eq!(first.read(2, 3).unwrap(), b"345");
        assert_eq!((second.length, second.read(0, 3).unwrap()), (3, b"abc".to_vec()));
        drop(first);
        let third = slab.write(b"xyz").unwrap();
        assert_eq!(third.read(0, 3).unwrap(), b"xyz");
        assert_eq!(second.read(0, 3).unwrap(), b"abc", "another one's bytes stay");
        assert_eq!(slab.slots().made, 2);
    }
}
