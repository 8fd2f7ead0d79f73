//! METS out: the pages of a manifest with their images and texts.

use crate::geometry::PageSize;
use crate::markup::write::Document;

/// What a METS file is made of. Addresses are written as they are given.
#[derive(Debug, Clone, Copy)]
pub struct Mets<'a> {
    /// Address of the manifest.
    pub id: &'a str,
    pub label: &'a str,
    /// As RFC 3339 writes it.
    pub made_at: Option<&'a str>,
    pub pages: &'a [MetsPage<'a>],
}

/// A page, in the order of the manifest.
#[derive(Debug, Clone, Copy)]
pub struct MetsPage<'a> {
    /// Empty: none.
    pub label: &'a str,
    pub image: &'a str,
    /// For example `image/jpeg`.
    pub image_media_type: &'a str,
    /// `None`: the page has no text.
    pub alto: Option<&'a str>,
    pub size: PageSize,
}

/// Returns METS with the groups `DEFAULT` (images) and `FULLTEXT` (ALTO), as the viewers of German
/// libraries look for them, a physical structure in the order of the pages, and each image's size
/// as MIX.
pub fn write(mets: Mets<'_>) -> String {
    let mut document = Document::new();
    let root = document.element("mets:mets").attribute("xmlns:mets", "http://www.loc.gov/METS/");
    let root = root.attribute("xmlns:mix", "http://www.loc.gov/mix/v20");
    let root = root.attribute("xmlns:xlink", "http://www.w3.org/1999/xlink");
    let root = root.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    let root = root.attribute(
        "xsi:schemaLocation",
        "http://www.loc.gov/METS/ http://www.loc.gov/standards/mets/mets.xsd \
         http://www.loc.gov/mix/v20 http://www.loc.gov/standards/mix/mix20/mix20.xsd",
    );
    root.attribute("OBJID", mets.id).attribute("LABEL", mets.label).open();
    let header = document.element("mets:metsHdr").attribute_if("CREATEDATE", mets.made_at);
    header.open();
    let agent = document.element("mets:agent").attribute("ROLE", "CREATOR");
    agent.attribute("TYPE", "OTHER").attribute("OTHERTYPE", "SOFTWARE").open();
    document.text("mets:name", "DLCS");
    document.close();
    document.close();
    if !mets.pages.is_empty() {
        write_sizes(&mut document, mets.pages);
        write_files(&mut document, mets.pages);
    }
    write_structure(&mut document, mets);
    document.finish()
}

fn numbered<'a>(pages: &'a [MetsPage<'a>]) -> impl Iterator<Item = (usize, &'a MetsPage<'a>)> {
    (1..).zip(pages)
}

fn write_sizes(document: &mut Document, pages: &[MetsPage<'_>]) {
    document.element("mets:amdSec").attribute("ID", "AMD").open();
    for (n, page) in numbered(pages) {
        document.element("mets:techMD").attribute("ID", format_args!("TECH_{n:04}")).open();
        document.element("mets:mdWrap").attribute("MDTYPE", "NISOIMG").open();
        let around = ["mets:xmlData", "mix:mix", "mix:BasicImageInformation"];
        let around = around.into_iter().chain(["mix:BasicImageCharacteristics"]);
        around.clone().for_each(|name| document.element(name).open());
        document.text("mix:imageWidth", page.size.width_px);
        document.text("mix:imageHeight", page.size.height_px);
        around.for_each(|_| document.close());
        document.close();
        document.close();
    }
    document.close();
}

fn write_files(document: &mut Document, pages: &[MetsPage<'_>]) {
    document.element("mets:fileSec").open();
    document.element("mets:fileGrp").attribute("USE", "DEFAULT").open();
    for (n, page) in numbered(pages) {
        let file = document.element("mets:file").attribute("ID", format_args!("IMAGE_{n:04}"));
        let file = file.attribute("ADMID", format_args!("TECH_{n:04}"));
        file.attribute("MIMETYPE", page.image_media_type).open();
        write_location(document, page.image);
    }
    document.close();
    if pages.iter().any(|page| page.alto.is_some()) {
        document.element("mets:fileGrp").attribute("USE", "FULLTEXT").open();
        for (n, page) in numbered(pages) {
            if let Some(alto) = page.alto {
                let id = format_args!("ALTO_{n:04}");
                let file = document.element("mets:file").attribute("ID", id);
                file.attribute("MIMETYPE", "text/xml").open();
                write_location(document, alto);
            }
        }
        document.close();
    }
    document.close();
}

/// Writes the address and ends the file.
fn write_location(document: &mut Document, address: &str) {
    let location = document.element("mets:FLocat").attribute("LOCTYPE", "URL");
    location.attribute("xlink:type", "simple").attribute("xlink:href", address).empty();
    document.close();
}

fn write_structure(document: &mut Document, mets: Mets<'_>) {
    document.element("mets:structMap").attribute("TYPE", "PHYSICAL").open();
    let sequence = document.element("mets:div").attribute("ID", "PHYS_0000");
    sequence.attribute("TYPE", "physSequence").attribute("LABEL", mets.label).open();
    for (n, page) in numbered(mets.pages) {
        let div = document.element("mets:div").attribute("ID", format_args!("PHYS_{n:04}"));
        let div = div.attribute("TYPE", "page").attribute("ORDER", n);
        let label = (!page.label.is_empty()).then_some(page.label);
        div.attribute_if("ORDERLABEL", label).attribute_if("LABEL", label).open();
        let files = [Some(("IMAGE", page.image)), page.alto.map(|it| ("ALTO", it))];
        for (kind, _) in files.into_iter().flatten() {
            let pointer = document.element("mets:fptr");
            pointer.attribute("FILEID", format_args!("{kind}_{n:04}")).empty();
        }
        document.close();
    }
    document.close();
    document.close();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::xml::{Node, Xml};

    #[test]
    fn every_file_is_pointed_at_in_the_order_of_the_pages() {
        let page = |label, alto| MetsPage {
            label,
            image: "https://example.org/iiif-img/v3/1/1/a/full/max/0/default.jpg",
            image_media_type: "image/jpeg",
            alto,
            size: PageSize { width_px: 100, height_px: 200 },
        };
        let alto = Some("https://example.org/text/alto/1/1/a?x=1&y=2");
        let pages = [page("[1] \"<&>", alto), page("", None), page("iii", alto)];
        let id = "https://example.org/iiif/v3/1/book";
        let mets = write(Mets { id, label: "A & B", made_at: None, pages: &pages });
        let mut xml = Xml::new(&mets);
        let mut seen = Vec::new();
        while let Some(node) = xml.next().unwrap() {
            let Node::Open(tag) = node else { continue };
            let value = match tag.name() {
                "fileGrp" => tag.get("USE"),
                "file" => tag.get("ID"),
                "fptr" => tag.get("FILEID"),
                "div" => tag.get("ORDER"),
                _ => continue,
            };
            seen.extend(value);
        }
        let expected = "DEFAULT IMAGE_0001 IMAGE_0002 IMAGE_0003 FULLTEXT ALTO_0001 ALTO_0003 \
                        1 IMAGE_0001 ALTO_0001 2 IMAGE_0002 3 IMAGE_0003 ALTO_0003";
        assert_eq!(seen, expected.split_whitespace().collect::<Vec<_>>());
        assert!(mets.contains("ORDERLABEL=\"[1] &quot;&lt;&amp;&gt;\""), "{mets}");
        assert!(mets.contains("<mix:imageHeight>200</mix:imageHeight>"), "{mets}");
    }

    #[test]
    fn a_manifest_without_pages_is_still_mets() {
        let mets = write(Mets { id: "x", label: "", made_at: None, pages: &[] });
        assert!(mets.contains("TYPE=\"physSequence\"") && !mets.contains("fileSec"), "{mets}");
    }
}
