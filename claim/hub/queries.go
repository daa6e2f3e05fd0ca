package hub

// The queries, as they are sent. A test holds them against GitHub's published schema.
const (
	// scanQuery costs (1 + 100 + 100) / 100 = 2 points for 100 pull requests.
	scanQuery = `query Scan($owner: String!, $name: String!, $size: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    defaultBranchRef { name target { oid } }
    pullRequests(states: OPEN, first: $size, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number
        title
        isDraft
        url
        createdAt
        updatedAt
        author { login }
        authorAssociation
        headRefName
        headRefOid
        headRepository { nameWithOwner }
        baseRefName
        baseRefOid
        labels(first: 20) { totalCount nodes { name } }
        commits(last: 1) { nodes { commit { oid status { contexts { context state description targetUrl createdAt creator { login } } } } } }
      }
    }
  }
}`

	nodeQuery = `query Node($owner: String!, $name: String!) {
  repository(owner: $owner, name: $name) { id }
}`

	editsQuery = `query Edits($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { userContentEdits(first: 100, after: $after) { ...edits } }
      ... on PullRequest { userContentEdits(first: 100, after: $after) { ...edits } }
    }
  }
}
fragment edits on UserContentEditConnection {
  pageInfo { hasNextPage endCursor }
  nodes { editedAt editor { __typename login } }
}`

	textsQuery = `query Texts($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { userContentEdits(first: 10) { ...texts } }
      ... on PullRequest { userContentEdits(first: 10) { ...texts } }
    }
  }
}
fragment texts on UserContentEditConnection {
  nodes { editedAt diff editor { __typename login } }
}`

	updateRefsQuery = `mutation UpdateRefs($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}`
)

// Queries gives every GraphQL text that this package sends, by its operation's name, so that a test can hold it against a schema.
func Queries() map[string]string {
	return map[string]string{"Scan": scanQuery, "Node": nodeQuery, "UpdateRefs": updateRefsQuery, "Edits": editsQuery, "Texts": textsQuery}
}
