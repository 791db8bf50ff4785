/**
 * The database roles. None of them owns a table, is a superuser or bypasses row-level security; each has grants on only
 * what its door (tenancy.ts) is for. The roles and grants are made by the migrations.
 */
export const roles = {
  /** Every connection runs as this role: the rows of the one tenant that the transaction names. */
  server: 'tenantry_server',
  /** Sign-in and self-service: users, passwords, sessions, memberships. No table of a tenant's own data. */
  authentication: 'tenantry_authentication',
  /** The platform's staff: organizations, users and audit events of all tenants. No table of a tenant's own data. */
  operator: 'tenantry_operator',
  /** The server's own background jobs: when keys expire, what is due for removal, and the deliveries of webhooks. */
  jobs: 'tenantry_jobs',
} as const
