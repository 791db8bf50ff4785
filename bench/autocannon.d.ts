/** What is used of autocannon, which has no types of its own. */
declare module 'autocannon' {
  interface Result {
    requests: { total: number }
    latency: { p50: number; p99: number }
    non2xx: number
    errors: number
    duration: number
  }
  export default function autocannon(options: object): Promise<Result>
}
