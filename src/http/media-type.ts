/** The media types of a GraphQL response (GraphQL over HTTP §4.1). */
export type ResponseMediaType = 'application/json' | 'application/graphql-response+json'

interface Preference {
  quality: number
  /** Where the type itself stands in the header; wildcards stand behind every type. */
  position: number
}

/**
 * The media type to answer in, or null where the client takes neither. Without an `Accept` header, and for
 * wildcards, it is `application/json`: clients from before the specification expect it (§6.1).
 */
export function responseMediaType(accept: string | undefined): ResponseMediaType | null {
  if (accept === undefined || accept === '' || accept === '*/*') return 'application/json'
  const ranges = accept.slice(0, 1000).split(',').slice(0, 50).map(parseRange)
  const json = preferenceFor('application/json', ranges)
  const graphql = preferenceFor('application/graphql-response+json', ranges)
  if (json.quality === 0 && graphql.quality === 0) return null
  if (graphql.quality !== json.quality) {
    return graphql.quality > json.quality ? 'application/graphql-response+json' : 'application/json'
  }
  return graphql.position < json.position ? 'application/graphql-response+json' : 'application/json'
}

interface Range {
  type: string
  quality: number
}

function parseRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const q = parameters.find((parameter) => parameter.startsWith('q='))
  const quality = q === undefined ? 1 : Number(q.slice(2))
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 }
}

function preferenceFor(type: ResponseMediaType, ranges: readonly Range[]): Preference {
  const exact = ranges.findIndex((range) => range.type === type)
  if (exact !== -1) return { quality: ranges[exact]?.quality ?? 0, position: exact }
  const wildcard =
    ranges.find((range) => range.type === 'application/*') ?? ranges.find((range) => range.type === '*/*')
  return { quality: wildcard?.quality ?? 0, position: ranges.length }
}
