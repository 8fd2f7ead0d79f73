//! Tests of `folder`.

use super::*;
use dlcs_objects::Digest;
use std::sync::Mutex;
use tempfile::TempDir;

fn key(name: &str) -> ObjectKey {
    ObjectKey::original(&Digest::of(name.as_bytes()))
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_object_store_conforms() {
    let folders = Mutex::new(Vec::<TempDir>::new());
    dlcs_objects::conformance::objects(async || {
        let folder = tempfile::tempdir().unwrap();
        let objects = FolderObjects::open(&folder.path().join("made/objects")).unwrap();
        folders.lock().unwrap().push(folder);
        objects
    })
    .await;
}

#[tokio::test]
async fn blobs_are_there_after_opening_again_and_lie_under_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::open(folder.path()).unwrap();
    objects.put(&key("a"), "bytes".into()).await.unwrap();
    drop(objects);
    let objects = FolderObjects::open(folder.path()).unwrap();
    assert_eq!(objects.get(&key("a")).await.unwrap(), "bytes");
    let local = objects.local_file(&key("a")).await.unwrap();
    assert!(matches!(&local, LocalFile::InPlace(path) if path.ends_with(key("a").as_str())));
}

#[tokio::test]
async fn a_start_removes_what_a_dead_process_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("tmp");
    fs::create_dir_all(temporary.join("dead")).unwrap();
    fs::write(temporary.join("dead/half"), "half").unwrap();
    fs::write(temporary.join("stray"), "half").unwrap();
    let living = FolderObjects::open(folder.path()).unwrap();
    assert_eq!(count(&temporary), 1, "its own directory");
    let staged = living.stage().await.unwrap();
    let beside = FolderObjects::open(folder.path()).unwrap();
    assert!(staged.path().exists(), "what a living one writes stays");
    drop(beside);
    living.keep(staged, &key("a")).await.unwrap();
    drop(living);
    assert_eq!(count(&temporary), 0);
}

#[tokio::test]
async fn a_failed_write_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::open(folder.path()).unwrap();
    // A file where a directory must be.
    fs::write(folder.path().join("originals"), "in the way").unwrap();
    let error = objects.put(&key("a"), "bytes".into()).await.unwrap_err();
    assert!(matches!(error, ObjectError::Store(_)), "{error}");
    let staged = objects.stage().await.unwrap();
    assert!(objects.keep(staged, &key("a")).await.is_err());
    let own = fs::read_dir(folder.path().join("tmp")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(count(&own), 0);
}

#[tokio::test]
async fn a_blob_that_was_cut_short_is_damaged_and_not_padded() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::open(folder.path()).unwrap();
    objects.put(&key("a"), "0123456789".into()).await.unwrap();
    assert_eq!(objects.get_range(&key("a"), 8..10).await.unwrap(), "89");
    let path = folder.path().join(key("a").as_str());
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(5).unwrap();
    let error = objects.get_range(&key("a"), 8..10).await.unwrap_err();
    assert!(matches!(error, ObjectError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn many_blobs_are_read_with_few_open_files() {
    let folder = tempfile::tempdir().unwrap();
    let objects = FolderObjects::open(folder.path()).unwrap();
    let blobs = HANDLES_MAX.get() + 100;
    for n in 0..blobs {
        let path = folder.path().join(key(&n.to_string()).as_str());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, n.to_string()).unwrap();
    }
    for n in 0..blobs {
        assert_eq!(objects.get(&key(&n.to_string())).await.unwrap(), n.to_string());
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < blobs, "{open} files are open");
}

#[test]
fn no_room_is_its_own_error() {
    let path = Path::new("blob");
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        assert!(matches!(write_error(path, &kind.into()), ObjectError::Full(_)));
    }
    assert!(matches!(write_error(path, &ErrorKind::Other.into()), ObjectError::Store(_)));
}
