//! What is written, judged by the ALTO board's schema and by an XML parser of others.

use crate::fixtures::{fixture, shared};
use crate::generate::layout;
use dlcs_text::mets::{Mets, MetsPage};
use dlcs_text::recogniser::Engine;
use dlcs_text::{PageLayout, PageSize, Provenance, alto, hocr, mets, page_xml};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The schema imports one of attributes for links from the network; these are all that it uses.
const LINKS: &str = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"
  targetNamespace="http://www.w3.org/1999/xlink"><xsd:attributeGroup name="simpleLink">
  <xsd:attribute name="href" type="xsd:anyURI"/></xsd:attributeGroup></xsd:schema>"#;

fn has_xmllint() -> bool {
    let found = Command::new("xmllint").arg("--version").output().is_ok();
    if !found {
        assert!(option_env!("CI").is_none(), "xmllint is missing: run `make setup`");
        eprintln!("SKIPPED: xmllint is missing: run `make setup`");
    }
    found
}

/// Puts the schema where it finds what it imports.
fn schema(folder: &Path) -> Option<PathBuf> {
    let path = shared().join("schemas/alto/alto-4-4.xsd");
    let Ok(schema) = std::fs::read_to_string(&path) else {
        assert!(option_env!("CI").is_none(), "{} is missing", path.display());
        eprintln!("SKIPPED: {} is missing", path.display());
        return None;
    };
    let schema = schema.replace("http://www.loc.gov/standards/xlink/xlink.xsd", "links.xsd");
    std::fs::write(folder.join("links.xsd"), LINKS).expect("writable");
    let place = folder.join("alto.xsd");
    std::fs::write(&place, schema).expect("writable");
    Some(place)
}

fn lint(folder: &Path, schema: Option<&Path>, files: &[String]) -> Result<(), String> {
    let mut command = Command::new("xmllint");
    command.args(["--noout", "--nonet"]);
    if let Some(schema) = schema {
        command.arg("--schema").arg(schema);
    }
    for (n, file) in files.iter().enumerate() {
        let path = folder.join(format!("{n}.xml"));
        std::fs::write(&path, file).expect("writable");
        command.arg(path);
    }
    let output = command.output().expect("xmllint runs");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn engine() -> Engine {
    Engine {
        name: "tesseract".into(),
        version: "5.3.0".into(),
        models: vec!["deu".into(), "frk".into()],
        settings: [("psm".to_owned(), "3".to_owned())].into(),
    }
}

/// Layouts of the generator, the fixtures, and a page without words.
fn layouts() -> Vec<PageLayout> {
    let mut runner = TestRunner::deterministic();
    let generated = (0..40).map(|_| layout().new_tree(&mut runner).expect("generates").current());
    let mut layouts: Vec<PageLayout> = generated.collect();
    layouts.push(PageLayout { width_px: 1, height_px: 1, ..PageLayout::default() });
    let image = Some(PageSize { width_px: 3_744, height_px: 5_775 });
    let alto = fixture("alto/1860-11-30_01-00001.xml");
    layouts.extend(alto.map(|it| alto::read(&it, image).expect("it is read")));
    let page = fixture("pages/kant_0020.xml");
    layouts.extend(page.map(|it| page_xml::read(&it, None).expect("it is read")));
    layouts
}

#[test]
fn alto_is_valid_against_its_schema() {
    if !has_xmllint() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let Some(schema) = schema(folder.path()) else { return };
    let engine = engine();
    let full = Provenance {
        image: Some("https://example.org/iiif-img/v3/1/1/a?x=1&y=2"),
        engine: Some(&engine),
        made_at: Some("2026-11-25T23:00:00Z"),
        is_corrected: true,
    };
    let bare = Provenance::default();
    let files: Vec<String> = layouts()
        .iter()
        .flat_map(|layout| [full, bare].map(|provenance| alto::write(layout, provenance)))
        .collect();
    lint(folder.path(), Some(&schema), &files).unwrap_or_else(|report| panic!("{report}"));
    let broken = files[0].replace("PHYSICAL_IMG_NR", "IMG_NR");
    lint(folder.path(), Some(&schema), &[broken]).expect_err("the schema judges");
}

#[test]
fn everything_that_is_written_is_well_formed() {
    if !has_xmllint() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let engine = engine();
    let provenance = Provenance {
        image: Some("https://example.org/\"'<>&"),
        engine: Some(&engine),
        made_at: Some("2026-11-25T23:00:00Z"),
        is_corrected: false,
    };
    let layouts = layouts();
    let mut files: Vec<String> = layouts
        .iter()
        .flat_map(|it| [hocr::write(it, provenance), page_xml::write(it, provenance)])
        .collect();
    let page = MetsPage {
        label: "\"'<>&\u{1}",
        image: "https://example.org/a?b&c",
        image_media_type: "image/jpeg",
        alto: Some("https://example.org/\"'<>&"),
        size: PageSize { width_px: 1, height_px: 2 },
    };
    let id = "https://example.org/";
    files.push(mets::write(Mets { id, label: "<&>", made_at: None, pages: &[page, page] }));
    lint(folder.path(), None, &files).unwrap_or_else(|report| panic!("{report}"));
}
