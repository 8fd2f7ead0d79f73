//! Schemas of the main bodies.

use crate::service::errors::CODES;
use serde_json::{Value, json};

pub(super) fn all() -> Value {
    json!({
        "EntryPoint": object(json!({"customers": uri(), "graphql": uri(), "documentation": uri()})),
        "Collection": collection(),
        "Customer": object(json!({
            "id": integer(), "name": text(), "displayName": text(), "created": time(),
            "spaces": uri(), "allImages": uri(), "queue": uri(),
        })),
        "Space": space(),
        "Image": image(),
        "Batch": batch(),
        "Queue": queue(),
        "Storage": storage(),
        "ImageStorage": image_storage(),
        "ImageInfo": {"type": "object", "description": "Image API 3.0 or 2.1, section 5."},
        "Manifest": manifest(),
        "Canvas": canvas(),
        "Range": range(),
        "IiifCollection": iiif_collection(),
        "Text": page_text(),
        "Correction": object(json!({
            "base": text(),
            "edits": {"type": "array", "items": {"type": "object", "properties": {
                "line": integer(), "word": {"type": ["integer", "null"]}, "text": text(),
            }}},
        })),
        "RecognitionRequest": object(json!({"languages": {"type": ["array", "string", "null"]}})),
        "RecognitionTally": recognition_tally(),
        "AnnotationPage": {
            "type": "object",
            "description": "Annotation page (3.0, Content Search 2.0) or list (2.1, 1.0).",
        },
        "NamedQuery": object(json!({
            "name": text(), "template": text(), "global": {"type": "boolean"},
            "created": time(), "modified": time(),
        })),
        "DeletedImages": object(json!({
            "deleted": integer(), "refused": {"type": "array", "items": {"type": "object"}},
        })),
        "Key": key(),
        "Role": object(json!({"name": text(), "label": text(), "authService": optional("string")})),
        "AuthService": auth_service(),
        "CustomHeader": custom_header(),
        "OriginStrategy": origin_strategy(),
        "Account": account(),
        "Webhook": webhook(),
        "WebhookResumption": resumption(),
        "ProbeResult": object(json!({"type": {"const": "AuthProbeResult2"}, "status": integer()})),
        "Annotation": {
            "type": "object",
            "description": "A W3C Web Annotation, or an Open Annotation under /oa/.",
        },
        "AnnotationCollection": annotation_collection(),
        "TermPage": {
            "type": "object",
            "description": "Term page (Content Search 2.0) or term list (1.0), section 4.",
        },
        "ChangeCollection": change_collection(),
        "ChangePage": change_page(),
        "Problem": problem(),
    })
}

fn custom_header() -> Value {
    object(json!({
        "id": text(), "key": text(), "value": text(), "space": optional("integer"),
        "role": optional("string"), "created": time(), "modified": time(),
    }))
}

fn space() -> Value {
    object(json!({
        "id": integer(), "name": text(), "defaultTags": texts(), "defaultRoles": texts(),
        "defaultOcr": texts(),
        "approximateNumberOfImages": integer(), "created": time(), "images": uri(),
    }))
}

fn origin_strategy() -> Value {
    object(json!({
        "id": text(), "regex": text(),
        "strategy": {"enum": ["default", "basic-http-authentication"]},
        "credentials": {"type": ["object", "string", "null"], "properties": {
            "user": text(), "password": text(),
        }},
        "order": integer(), "optimised": {"const": false}, "created": time(), "modified": time(),
    }))
}

fn account() -> Value {
    object(json!({
        "name": text(), "label": text(), "authServices": texts(),
        "password": {"type": "string", "writeOnly": true, "minLength": 12},
        "created": time(), "modified": time(),
    }))
}

fn webhook() -> Value {
    object(json!({
        "id": text(), "url": uri(), "description": text(), "events": texts(),
        "isActive": {"type": "boolean"},
        "after": {"type": ["integer", "null"], "writeOnly": true},
        "secret": {"type": "string", "readOnly": true},
        "formerSecretUntil": optional("string"),
        "delivery": {"type": "object", "readOnly": true, "properties": {
            "state": {"enum": ["delivering", "retrying", "paused", "gone", "off"]},
            "position": integer(), "behind": integer(), "tries": integer(),
            "nextTry": optional("string"), "lastTry": optional("string"),
            "lastStatus": optional("integer"), "lastError": optional("string"),
            "lastDelivered": optional("string"),
        }},
        "created": time(), "modified": time(),
    }))
}

fn queue() -> Value {
    object(json!({
        "name": {"enum": ["default", "priority"]}, "size": integer(), "imagesWaiting": integer(),
        "batchesWaiting": integer(), "batches": uri(), "active": uri(), "recent": uri(),
        "priority": uri(),
    }))
}

fn storage() -> Value {
    object(json!({
        "customer": integer(), "space": integer(), "numberOfStoredImages": integer(),
        "totalSizeOfStoredImages": integer(), "totalSizeOfThumbnails": integer(),
        "lastCalculated": optional("string"),
    }))
}

fn image_storage() -> Value {
    object(json!({
        "id": text(), "customer": integer(), "space": integer(), "size": integer(),
        "thumbnailSize": integer(), "lastChecked": time(),
        "checkingInProgress": {"type": "boolean"},
    }))
}

fn batch() -> Value {
    object(json!({
        "id": text(), "queue": {"enum": ["default", "priority"]}, "submitted": time(), "count": integer(), "completed": integer(),
        "errors": integer(), "finished": optional("string"),
        "superseded": {"type": "boolean"}, "images": uri(), "assets": uri(), "test": uri(),
    }))
}

fn auth_service() -> Value {
    object(json!({
        "name": text(), "profile": {"enum": ["clickthrough", "login"]}, "label": text(),
        "pageLabel": text(), "description": text(), "callToAction": text(), "ttl": integer(),
    }))
}

fn key() -> Value {
    object(json!({
        "key": text(), "secret": text(), "label": text(),
        "access": {"enum": ["read", "write", "manage"]},
        "expires": {"type": ["string", "null"], "format": "date-time"},
        "created": time(),
    }))
}

fn resumption() -> Value {
    object(json!({"after": optional("integer")}))
}

fn recognition_tally() -> Value {
    object(json!({
        "requested": integer(), "unchanged": integer(), "refused": integer(),
        "refusals": {"type": "array", "items": {"type": "object"}},
    }))
}

fn annotation_collection() -> Value {
    object(json!({
        "id": uri(), "type": texts(), "label": text(), "roles": texts(), "total": integer(),
        "first": {"type": ["object", "string"]}, "last": uri(),
        "created": time(), "modified": time(),
    }))
}

fn change_collection() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "OrderedCollection"}, "totalItems": integer(),
        "first": {"type": "object"}, "last": {"type": "object"},
    }))
}

fn change_page() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "OrderedCollectionPage"}, "startIndex": integer(),
        "partOf": {"type": "object"}, "prev": {"type": "object"}, "next": {"type": "object"},
        "orderedItems": {"type": "array", "items": {"type": "object", "properties": {
            "id": uri(), "type": {"enum": ["Create", "Update", "Move", "Delete"]},
            "object": {"type": "object"}, "target": {"type": "object"}, "endTime": time(),
        }}},
    }))
}

fn image() -> Value {
    let mut image = object(json!({
        "id": text(), "customer": integer(), "space": integer(), "origin": optional("string"),
        "mediaType": optional("string"), "tags": texts(), "roles": texts(),
        "ocr": texts(), "maxWidth": integer(), "openFullMax": integer(),
        "deliveryChannels": {"type": "array", "items": {"type": "object", "properties": {
            "channel": {"enum": ["iiif-img", "thumbs", "file", "none"]}, "policy": text(),
        }}},
        "width": integer(), "height": integer(), "created": time(),
        "finished": optional("string"), "ingesting": {"type": "boolean"},
        "error": {"type": ["object", "null"], "properties": {
            "code": text(), "detail": text(), "attempt": integer(),
            "nextAttempt": optional("string"),
        }},
        "batch": optional("string"), "imageService": uri(), "thumbnailImageService": uri(),
        "manifest": uri(),
    }));
    for number in 1..=3 {
        image["properties"][format!("string{number}")] = text();
        image["properties"][format!("number{number}")] = integer();
    }
    image
}

fn page_text() -> Value {
    object(json!({
        "image": uri(),
        "status": {"enum": ["none", "requested", "started", "failed", "ready"]},
        "modified": time(), "languages": texts(), "words": integer(),
        "corrected": {"type": "boolean"},
        "source": {"enum": ["recognised", "alto", "hocr", "page"]},
        "engine": text(), "engineVersion": text(), "models": texts(),
        "confidence": {"type": ["integer", "null"]},
        "error": {"type": "object"},
        "plain": uri(), "alto": uri(), "hocr": uri(), "page": uri(), "lines": uri(),
    }))
}

fn manifest() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "Manifest"}, "label": {"type": "object"},
        "items": {"type": "array", "items": {"type": "object"}},
        "slug": optional("string"), "publicId": uri(), "parent": uri(),
        "paintedResources": {"type": "array", "items": {"type": "object", "properties": {
            "asset": {"type": "object", "properties": {"id": text(), "space": integer()}},
            "canvasPainting": {"type": "object"},
        }}},
        "ingesting": {"type": "object"},
    }))
}

/// A canvas of the client's own, or an asset that is painted on one.
fn canvas() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "Canvas"}, "label": {"type": "object"},
        "width": integer(), "height": integer(),
        "items": {"type": "array", "items": {"type": "object"}},
        "asset": {"type": "object", "properties": {"id": text(), "space": integer()}},
        "canvasPainting": {"type": "object"},
    }))
}

fn range() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "Range"}, "label": {"type": "object"},
        "items": {"type": "array", "items": {"type": "object"}},
    }))
}

fn iiif_collection() -> Value {
    object(json!({
        "id": uri(), "type": {"const": "Collection"}, "label": {"type": "object"},
        "behavior": texts(),
        "items": {"type": "array", "items": {"type": "object"}},
        "slug": optional("string"), "publicId": uri(), "parent": uri(),
        "totalItems": integer(), "view": {"type": "object"},
    }))
}

fn problem() -> Value {
    let codes: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "@type": {"const": "Error"}, "type": text(), "title": text(), "status": integer(),
            "detail": text(), "instance": text(),
            "code": {"type": "string", "examples": codes},
            "field": {"type": "string", "description": "The field that is wrong."},
        },
    })
}

fn collection() -> Value {
    object(json!({
        "@type": {"const": "Collection"}, "totalItems": integer(), "pageSize": integer(),
        "member": {"type": "array"}, "view": {"type": "object"},
    }))
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn texts() -> Value {
    json!({"type": "array", "items": text()})
}

fn integer() -> Value {
    json!({"type": "integer"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn uri() -> Value {
    json!({"type": "string", "format": "uri"})
}

fn optional(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}
