/** Sources that are mutated together, and the tests that are to notice. */
export interface MutationGroup {
  sources: readonly string[]
  tests: readonly string[]
  /** Whether the tests start servers, on PostgreSQL where there is a DATABASE_URL. */
  needsDatabase?: boolean
}

const inFolder = (folder: string, names: string) => names.split(' ').map((name) => `${folder}/${name}.ts`)

/** What decides who is calling, what they may ask for, and which rows they reach. */
export const mutationGroups: Readonly<Record<string, MutationGroup>> = {
  access: {
    sources: inFolder(
      'src/access',
      'rules powers scopes decide guard plan planner policy inputs check directives elements granting plugin scope-scalar',
    ),
    tests: ['test/access/*.test.ts'],
  },
  tokens: {
    sources: inFolder(
      'src/principal',
      'compact-token access-token-claims access-token api-key-secret bearer-token current-keys held-records refresh-token signing-key-sealing',
    ),
    tests: [
      'test/principal/access-token*.test.ts',
      'test/principal/current-keys.test.ts',
      'test/principal/bearer-token.test.ts',
      'test/principal/read-tokens.test.ts',
      'test/principal/refresh-token.test.ts',
      'test/principal/signing-keys.test.ts',
      'test/principal/signing-key-sealing.test.ts',
      'test/api-key/api-key-secret.test.ts',
      'test/api-key/held-records.test.ts',
    ],
  },
  tenancy: {
    sources: ['src/database/tenancy.ts'],
    tests: ['test/database/tenancy.test.ts', 'test/isolation/*.test.ts'],
    needsDatabase: true,
  },
  external: {
    sources: inFolder(
      'src/principal/external',
      'address-rules exchanged-token external-caller external-principal external-token identify-external key-cache key-set trusted-issuer',
    ),
    tests: [
      'test/principal/external/*.test.ts',
      'test/issuer/tokens.test.ts',
      'test/oauth/*exchange*.test.ts',
      'test/oauth/restarts.postgres.test.ts',
    ],
    needsDatabase: true,
  },
  keys: {
    sources: inFolder('src/principal', 'api-key api-keys api-key-record api-key-token bearer tenant-api-key'),
    tests: [
      'test/api-key/acting.test.ts',
      'test/api-key/api-key*.test.ts',
      'test/api-key/key-demand.test.ts',
      'test/api-key/manage.test.ts',
      'test/api-key/memory.test.ts',
      'test/api-key/patterns.test.ts',
      'test/api-key/refusals.test.ts',
      'test/api-key/scenarios.test.ts',
      'test/authentication/switch-organization.test.ts',
      'test/oauth/client-credentials.test.ts',
      'test/oauth/introspection.test.ts',
      'test/principal/external/external-organization.test.ts',
    ],
    needsDatabase: true,
  },
  sessions: {
    sources: inFolder(
      'src/principal',
      'current-claims identify principal require-principal revocations user-principal',
    ),
    tests: [
      'test/authentication/auth-payload.test.ts',
      'test/authentication/switch-organization.test.ts',
      'test/oauth/revocation.test.ts',
      'test/principal/current-claims.test.ts',
      'test/principal/require-principal.test.ts',
      'test/principal/revocations.test.ts',
      'test/session/logout.test.ts',
      'test/session/look-ups.test.ts',
    ],
    needsDatabase: true,
  },
  services: {
    sources: [
      'src/modules/api-key/api-key.service.ts',
      'src/modules/gateway/gateway.service.ts',
      'src/modules/issuer/issuer.service.ts',
      'src/modules/membership/acting-membership.ts',
      'src/modules/membership/membership.service.ts',
      'src/modules/organization/organization.service.ts',
      'src/modules/platform/operator-door.ts',
      'src/modules/platform/operator-power.ts',
      'src/modules/project/delete-project.ts',
      'src/modules/project/project.service.ts',
      'src/modules/session/session.service.ts',
    ],
    tests: [
      ...'api-key audit-event gateway issuer membership organization platform project session'
        .split(' ')
        .map((feature) => `test/${feature}/*.test.ts`),
      'test/oauth/revocation.test.ts',
      'test/rate-limits/costly-fields.test.ts',
    ],
    needsDatabase: true,
  },
}
