//! Whatever happens, in whatever order.

use super::*;

fn sources() -> impl Strategy<Value = Source> {
    prop_oneof![Just(origin("a")), Just(origin("b")), Just(upload("aa")), Just(upload("bb"))]
}

fn codes() -> impl Strategy<Value = IngestErrorCode> {
    use IngestErrorCode as Code;
    prop::sample::select(&[Code::OriginTimeout, Code::ImageCorrupt, Code::Internal][..])
}

fn batches() -> impl Strategy<Value = Option<BatchId>> {
    prop::sample::select(&[None, Some(BATCH), Some(OTHER_BATCH)][..])
}

fn numbers() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..6, Just(u32::MAX)]
}

fn times() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), 0_i64..2_000_000_000]
}

fn changes() -> impl Strategy<Value = AssetChange> {
    (prop::option::of(sources()), 0..3_i64, any::<bool>()).prop_map(|(source, number, closes)| {
        let number1 = if number == 0 { Patch::Clear } else { Patch::Set(number) };
        let roles = if closes { Patch::Set(vec!["staff".to_owned()]) } else { Patch::Keep };
        let metadata = MetadataPatch { number1, ..MetadataPatch::default() };
        let recognise = if closes { Patch::Set(languages("deu")) } else { Patch::Clear };
        let limits = SizeLimitsPatch {
            max_width_px: Patch::Set(u32::from(closes) * 512),
            ..Default::default()
        };
        AssetChange { metadata, roles, source, delivery: None, recognise, limits }
    })
}

fn commands() -> impl Strategy<Value = AssetCommand> {
    prop_oneof![
        (sources(), batches()).prop_map(|(source, batch)| {
            with(Registration { batch, ..Registration::of(source) })
        }),
        changes().prop_map(AssetCommand::Change),
        batches().prop_map(|batch| AssetCommand::RequestReingest { batch }),
        Just(AssetCommand::Delete),
        (numbers(), times())
            .prop_map(|(generation, now_us)| AssetCommand::StartIngest { generation, now_us }),
        (1..3_u32, numbers()).prop_map(|(generation, attempt)| AssetCommand::ReportDelivered {
            generation,
            attempt,
            delivered: measured(),
        }),
        (1..3_u32, numbers(), codes(), times()).prop_map(|(generation, attempt, code, now_us)| {
            let detail = "no".to_owned();
            AssetCommand::ReportFailed { generation, attempt, code, detail, now_us }
        }),
    ]
}

fn events() -> impl Strategy<Value = AssetEvent> {
    prop_oneof![
        (numbers(), sources()).prop_map(|(generation, source)| {
            AssetEvent::Registered(Registered { generation, ..registered_as(source) })
        }),
        (sources(), numbers()).prop_map(|(source, attempt)| origin_changed(source, attempt)),
        changes().prop_map(|it| AssetEvent::MetadataChanged(it.metadata)),
        numbers().prop_map(|attempt| reingested(attempt, None)),
        numbers().prop_map(started),
        numbers().prop_map(delivered),
        (numbers(), codes()).prop_map(|(attempt, code)| failed(attempt, code, Some(1))),
        numbers().prop_map(|generation| AssetEvent::Deleted(Deleted { generation })),
    ]
}

fn is_late(asset: &Asset, command: &AssetCommand) -> bool {
    let (AssetCommand::ReportDelivered { generation, attempt, .. }
    | AssetCommand::ReportFailed { generation, attempt, .. }) = command
    else {
        return false;
    };
    asset.live().is_none_or(|it| {
        (it.generation, it.attempt) != (*generation, *attempt) || it.ingest != IngestPhase::Started
    })
}

proptest! {
    #[test]
    fn any_commands_give_a_history_that_folds_and_goes_forwards(
        commands in prop::collection::vec(commands(), 0..40),
    ) {
        let mut asset = Asset::default();
        let mut history = Vec::new();
        for command in commands {
            let late = is_late(&asset, &command);
            let before = asset.clone();
            let events = asset.handle(command).unwrap_or_default();
            prop_assert!(!late || events.is_empty(), "a late result changed something");
            for event in events {
                asset.apply(&event);
                history.push(event);
            }
            prop_assert!(asset.edit_revision() >= before.edit_revision());
            if let (Some(before), Some(after)) = (before.live(), asset.live()) {
                let (old, new) = ((before.generation, before.attempt), (after.generation, after.attempt));
                prop_assert!(new >= old, "{new:?} after {old:?}");
                prop_assert!(after.tries <= TRIES_MAX);
            }
        }
        prop_assert_eq!(Asset::folded(&history), asset);
    }

    #[test]
    fn any_history_folds_and_hears_any_command(
        history in prop::collection::vec(events(), 0..40),
        command in commands(),
    ) {
        let mut asset = Asset::folded(&history);
        for event in asset.handle(command).unwrap_or_default() {
            asset.apply(&event);
        }
    }

    #[test]
    fn a_repeated_registration_changes_nothing(
        history in prop::collection::vec(commands(), 0..20),
        source in sources(),
        batch in batches(),
    ) {
        let mut asset = Asset::default();
        let put = || with(Registration { batch, ..Registration::of(source.clone()) });
        for command in history.into_iter().chain([put()]) {
            for event in asset.handle(command).unwrap_or_default() {
                asset.apply(&event);
            }
        }
        prop_assert_eq!(asset.handle(put()), Ok(vec![]));
    }
}
