//! Given, when, then: how the rules of an aggregate are tested.

use crate::Aggregate;

pub(crate) struct Given<A: Aggregate>(A);

pub(crate) struct When<A: Aggregate>(Result<Vec<A::Event>, A::Error>);

pub(crate) fn given<A: Aggregate>(history: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(A::folded(&history.into_iter().collect::<Vec<_>>()))
}

impl<A: Aggregate> Given<A> {
    pub(crate) fn when(self, command: A::Command) -> When<A> {
        When(self.0.handle(command))
    }
}

impl<A: Aggregate> When<A> {
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = A::Event>) {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.0.expect("the command is accepted"), expected);
    }

    #[track_caller]
    pub(crate) fn then_refused(self, expected: &A::Error) {
        assert_eq!(self.0.as_ref().expect_err("the command is refused"), expected);
    }
}
