import type { Client } from 'pg'

export const ORGANIZATIONS = 50
export const PROJECTS_EACH = 20
export const GATEWAYS_EACH = 3

/** A UUIDv7 of a moment, given in milliseconds since 1970: what our server makes, so that ids are in the order of creation. */
const uuid = (milliseconds: string) => `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  placing substring(int8send(${milliseconds}) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid`

/** Of project number n. Older than anything that the run makes through the API. */
const EPOCH_MS = Date.UTC(2025, 0, 1)
const atProject = `(${EPOCH_MS}::bigint + n * 10)`

/** Organizations with a member each, beside those that have registered, up to the wanted number. */
const organizations = `
  with made as (
    insert into organizations (id, name, slug)
    select gen_random_uuid(), 'Organization ' || n, 'organization-' || n
    from generate_series((select count(*) + 1 from organizations), ${ORGANIZATIONS}) n returning id, slug
  ), users as (
    insert into users (id, email, first_name, last_name)
    select gen_random_uuid(), slug || '@example.test', 'Some', 'Body' from made returning id, email
  )
  insert into memberships (id, organization_id, user_id, role)
  select gen_random_uuid(), made.id, users.id, 'ADMIN' from made join users on users.email = made.slug || '@example.test'`

/** Tenants in turn, so that no tenant's rows lie together; what the scale adds belongs to the large one. */
const projects = `
  with numbered as (select id, row_number() over (order by id = $1, id) - 1 as at from organizations)
  insert into projects (id, organization_id, name, description, created_at, updated_at)
  select ${uuid(atProject)}, case when n < ${ORGANIZATIONS * PROJECTS_EACH} then numbered.id else $1 end,
    'Project ' || n, 'The project with the number ' || n, moment, moment
  from generate_series(0, $2::bigint - 1) n
  join numbered on numbered.at = n % ${ORGANIZATIONS}
  cross join lateral (select to_timestamp(${atProject} / 1000.0) as moment) m
  order by n`

const gateways = `
  insert into gateways (id, organization_id, project_id, name, created_at, updated_at)
  select ${uuid('(extract(epoch from p.created_at) * 1000)::bigint + n')}, p.organization_id, p.id,
    p.name || ', gateway ' || n, p.created_at, p.created_at
  from projects p cross join generate_series(1, ${GATEWAYS_EACH}) n order by p.id, n`

/** Fills up what the people's registration has begun. The scale's projects all belong to one large organization. */
export async function seedRows(client: Client, largeOrganizationId: string, scale: number): Promise<void> {
  await client.query(organizations)
  await client.query(projects, [largeOrganizationId, ORGANIZATIONS * PROJECTS_EACH * scale])
  await client.query(gateways)
  // What autovacuum would do in its own time, in the middle of a measurement.
  await client.query('vacuum (analyze)')
  await client.query('checkpoint')
}
