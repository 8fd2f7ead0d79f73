// GraphiQL over this server's `/graphql`: POST for queries and mutations,
// a WebSocket (`graphql-transport-ws`) at the same address for subscriptions.
// Headers typed into the headers tab go with both; they are not stored.

const DEFAULT_QUERY = `# Write a query on the left and run it with Ctrl-Enter.
# Press Ctrl-Space for what can stand here; the book icon opens the schema.
#
# Closed resources and mutations need credentials: open "Headers" below and write
#   { "Authorization": "Basic …" }    (KEY:SECRET in Base64), or
#   { "Authorization": "Bearer …" }

query Assets {
  assets(first: 10) {
    totalCount
    nodes {
      assetId
      state
      width
      height
      manifestAddress
      history(first: 5) {
        nodes {
          type
          actor
          time
        }
      }
    }
  }
}
`;

const endpoint = new URL('/graphql', location.href);
const socket = new URL(endpoint);
socket.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

const { React, ReactDOM, GraphiQL } = window;

ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: endpoint.href, subscriptionUrl: socket.href }),
    defaultQuery: DEFAULT_QUERY,
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }),
);
