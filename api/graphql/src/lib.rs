//! GraphQL over the same questions and commands as the REST interface.
//!
//! Not here: SQL, the log, the pages of GraphiQL.

pub mod guard;

mod connection;
mod context;
mod http;
mod mutation;
mod node;
mod query;
mod scalar;
mod subscription;
mod subscriptions;
mod types;

pub use context::{
    AnnotationText, AuditProof, AuditProofs, Authenticate, CanvasOutline, Canvases, CheckOrigin,
    ConsumerStatus, GraphqlState, ManifestNames, Members, ProjectionControl, ProjectionStatus,
};
pub use http::{Page, router};

use async_graphql::Schema;

/// The schema of this server.
pub type DlcsSchema = Schema<query::Query, mutation::Mutation, subscription::Subscription>;

/// Builds the schema. The guard stands before it; the engine's own limits are the second wall.
pub fn schema(state: GraphqlState) -> DlcsSchema {
    Schema::build(
        query::Query::default(),
        mutation::Mutation::default(),
        subscription::Subscription::default(),
    )
    .data(state)
    .limit_depth(guard::INTROSPECTION_DEPTH_MAX)
    .limit_recursive_depth(32)
    .limit_directives(guard::DIRECTIVES_MAX)
    .disable_suggestions()
    .finish()
}

/// Returns the schema definition language, for documentation and tests.
pub fn sdl() -> String {
    Schema::build(
        query::Query::default(),
        mutation::Mutation::default(),
        subscription::Subscription::default(),
    )
    .finish()
    .sdl()
}
