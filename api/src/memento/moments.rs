//! When a resource became something else.

use super::remembered::{Change, Remembered};
use crate::error::Answer;
use crate::state::Shared;
use dlcs_domain::access::Principal;
use dlcs_projections::paging::LIMIT_MAX;
use dlcs_projections::{Position, StreamRevision};

/// Mementos of one page of a TimeMap.
pub(super) const PAGE_SIZE: usize = 1_000;

/// One change of a resource after which there was something to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) position: Position,
    /// Microseconds since 1970.
    pub(super) recorded_at_us: i64,
}

/// All of them, oldest first; positions and times never run backwards.
#[derive(Debug, Default)]
pub(super) struct Moments {
    moments: Vec<Moment>,
    /// After which there was nothing to see.
    ends: Vec<Position>,
}

impl Moments {
    pub(super) async fn of(
        state: &Shared,
        principal: &Principal,
        resource: &Remembered,
    ) -> Answer<Self> {
        let stream = resource.stream();
        let (mut moments, mut revision) = (Self::default(), 0);
        loop {
            let history = &state.queries.history;
            let from = StreamRevision(revision);
            let events = history.of_stream(principal, &stream, from, LIMIT_MAX).await?;
            for event in &events {
                let (position, recorded_at_us) = (event.position, event.recorded_at_us);
                match resource.change_of(&event.type_name) {
                    Change::Something => moments.moments.push(Moment { position, recorded_at_us }),
                    Change::Nothing => moments.ends.push(position),
                    Change::None => {}
                }
            }
            if events.len() < LIMIT_MAX {
                return Ok(moments);
            }
            revision += events.len() as u64;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.moments.len()
    }

    pub(super) fn get(&self, index: usize) -> Moment {
        self.moments[index]
    }

    pub(super) fn slice(&self, page: usize) -> &[Moment] {
        let start = page.saturating_mul(PAGE_SIZE).min(self.moments.len());
        &self.moments[start..self.moments.len().min(start + PAGE_SIZE)]
    }

    /// Returns the last that was recorded by a time, or else the first of all.
    pub(super) fn at(&self, time_us: i64) -> usize {
        let begun = self.moments.partition_point(|it| it.recorded_at_us <= time_us);
        begun.saturating_sub(1)
    }

    /// Returns which one was to be seen at a position; `None`: there was nothing.
    pub(super) fn in_force(&self, position: Position) -> Option<usize> {
        let begun = self.moments.partition_point(|it| it.position <= position);
        let chosen = begun.checked_sub(1)?;
        let since = self.moments[chosen].position;
        let has_ended = self.ends.iter().any(|end| since < *end && *end <= position);
        (!has_ended).then_some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments() -> Moments {
        let moment = |position, seconds: i64| Moment {
            position: Position(position),
            recorded_at_us: seconds * 1_000_000,
        };
        Moments {
            moments: vec![moment(3, 10), moment(5, 20), moment(9, 30)],
            ends: vec![Position(7)],
        }
    }

    #[test]
    fn a_time_gate_chooses_the_last_before_or_the_first() {
        for (seconds, chosen) in [(0, 0), (9, 0), (10, 0), (19, 0), (20, 1), (29, 1), (99, 2)] {
            assert_eq!(moments().at(seconds * 1_000_000), chosen, "{seconds}");
        }
    }

    #[test]
    fn a_position_is_in_force_until_the_next_or_the_end() {
        let expected = [
            (2, None),
            (3, Some(0)),
            (4, Some(0)),
            (5, Some(1)),
            (6, Some(1)),
            (7, None),
            (8, None),
            (9, Some(2)),
            (u64::MAX, Some(2)),
        ];
        for (position, chosen) in expected {
            assert_eq!(moments().in_force(Position(position)), chosen, "{position}");
        }
    }
}
