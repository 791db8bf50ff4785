/* global document, localStorage, sessionStorage, fetch, React, ReactDOM, GraphiQL */
// Runs in the browser, as it stands here. It needs React, ReactDOM and GraphiQL, which the page loads before it.
const settings = JSON.parse(document.getElementById('settings').textContent)
const hint = document.getElementById('hint')
const forget = document.getElementById('forget')

// Session storage: the token ends with this browser tab, and is never written next to the stored queries.
const tokenKey = 'tenantry:accessToken'
const storedToken = () => sessionStorage.getItem(tokenKey)

function showHint() {
  const token = storedToken()
  forget.hidden = token === null
  hint.textContent =
    token === null
      ? 'Not signed in. Run Register or Login: this page then sends the access token that it finds in the answer.'
      : `The access token of your last sign-in (…${token.slice(-6)}) is sent wherever Headers hold no Authorization.`
}

function keepToken(token) {
  if (token === null) sessionStorage.removeItem(tokenKey)
  else sessionStorage.setItem(tokenKey, token)
  showHint()
}

/** The access token in the answer of register, login, refresh and the like, under whatever alias. */
function tokenIn(answer) {
  const payloads = Object.values(answer.data ?? {})
  return payloads.map((payload) => payload?.accessToken).find((token) => typeof token === 'string')
}

/** What the Headers editor holds, without examples that were not filled in. */
function typedHeaders(headers = {}) {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => !String(value).includes('…')))
}

async function send(params, headers) {
  const response = await fetch(settings.endpoint, {
    method: 'POST',
    credentials: 'omit',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(params),
  })
  return response.json()
}

/** The whole request was refused for its credential, before anything ran. */
function refusesToken(answer) {
  const [error] = answer.errors ?? []
  return error?.extensions?.code === 'UNAUTHENTICATED' && error.path === undefined && !('data' in answer)
}

async function fetcher(params, options = {}) {
  const headers = typedHeaders(options.headers)
  const token = storedToken()
  const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
  const ours = !hasOwn && token !== null
  let answer = await send(params, ours ? { ...headers, authorization: `Bearer ${token}` } : headers)
  if (ours && refusesToken(answer)) {
    // The stored token has expired or was revoked. Without it one can at least sign in again.
    keepToken(null)
    answer = await send(params, headers)
  }
  const newest = tokenIn(answer)
  if (newest !== undefined) keepToken(newest)
  return answer
}

forget.addEventListener('click', () => keepToken(null))
showHint()
document.getElementById('no-introspection').hidden = settings.introspection

// GraphiQL shows the first default tab's query by itself, and leaves its variables out. Given on later visits, they
// would open a tab of their own.
const isFirstVisit = localStorage.getItem('graphiql:tabState') === null
const properties = {
  fetcher,
  defaultTabs: settings.tabs,
  ...(isFirstVisit ? { variables: settings.tabs[0].variables } : {}),
  isHeadersEditorEnabled: true,
  defaultEditorToolsVisibility: true,
  shouldPersistHeaders: false,
  inputValueDeprecation: true,
  // Null keeps GraphiQL from asking for what the server would refuse.
  ...(settings.introspection ? {} : { schema: null }),
}
ReactDOM.createRoot(document.getElementById('graphiql')).render(React.createElement(GraphiQL, properties))
