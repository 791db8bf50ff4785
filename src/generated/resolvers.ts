/* Written by `npm run codegen` from schema/. Never edited: change the SDL, or codegen.yml. */
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { ApiKeyRow } from '../modules/api-key/api-key.entity.ts';
import type { Connection } from '../database/paging.ts';
import type { AuditEventRow } from '../modules/audit-event/audit-event.entity.ts';
import type { GatewayRow } from '../modules/gateway/gateway.entity.ts';
import type { IssuerRow } from '../modules/issuer/issuer.entity.ts';
import type { MembershipRow } from '../modules/membership/membership.entity.ts';
import type { OrganizationRow } from '../modules/organization/organization.entity.ts';
import type { ProjectRow } from '../modules/project/project.entity.ts';
import type { SessionRow } from '../modules/session/session.entity.ts';
import type { UserRow } from '../modules/user/user.entity.ts';
import type { Principal as RequestPrincipal, ToldByIssuer } from '../principal/principal.ts';
import type { Context } from '../context.ts';
export type Maybe<T> = T | null | undefined;
export type InputMaybe<T> = T | null | undefined;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  DateTime: { input: Date; output: Date; }
  EmailAddress: { input: string; output: string; }
  /** `action:resource`, lower case; granted scopes may use `*` on either side: `read:*`, `*:projects`, `*:*`. */
  Scope: { input: string; output: string; }
};

export type ActivateUserInput = {
  id: Scalars['ID']['input'];
};

export type ActivateUserPayload = {
  user: User;
};

export type AddMemberInput = {
  email: Scalars['EmailAddress']['input'];
  role: Role;
};

export type AddMemberPayload = {
  membership: Membership;
};

export type ApiKey = Node & {
  createdAt: Scalars['DateTime']['output'];
  createdBy?: Maybe<User>;
  description?: Maybe<Scalars['String']['output']>;
  expiresAt?: Maybe<Scalars['DateTime']['output']>;
  id: Scalars['ID']['output'];
  /** The last 8 characters of the secret, all that is ever shown again. */
  lastEight: Scalars['String']['output'];
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
  name: Scalars['String']['output'];
  /** Requests a minute; null: the server's default. */
  rateLimitPerMinute?: Maybe<Scalars['Int']['output']>;
  revokedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The key that took this one's place. */
  rotatedTo?: Maybe<ApiKey>;
  scopes: Array<Scalars['Scope']['output']>;
  /** The system that uses it, such as `metabase`. */
  service: Scalars['String']['output'];
  status: ApiKeyStatus;
};

export type ApiKeyConnection = {
  edges: Array<ApiKeyEdge>;
  nodes: Array<ApiKey>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type ApiKeyEdge = {
  cursor: Scalars['String']['output'];
  node: ApiKey;
};

export type ApiKeyStatus =
  | 'ACTIVE'
  | 'EXPIRED'
  | 'INACTIVE'
  | 'REVOKED';

export type AuditEvent = Node & {
  /** `resource.past_participle`: `user.logged_in`, `api_key.rotated`, `authorization.denied`. */
  action: Scalars['String']['output'];
  actorId?: Maybe<Scalars['String']['output']>;
  actorKind?: Maybe<PrincipalKind>;
  createdAt: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  ipAddress?: Maybe<Scalars['String']['output']>;
  requestId?: Maybe<Scalars['String']['output']>;
  succeeded: Scalars['Boolean']['output'];
  targetId?: Maybe<Scalars['String']['output']>;
  targetType?: Maybe<Scalars['String']['output']>;
  userAgent?: Maybe<Scalars['String']['output']>;
};

export type AuditEventConnection = {
  edges: Array<AuditEventEdge>;
  nodes: Array<AuditEvent>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type AuditEventEdge = {
  cursor: Scalars['String']['output'];
  node: AuditEvent;
};

export type AuditEventFilter = {
  action?: InputMaybe<Scalars['String']['input']>;
  actorId?: InputMaybe<Scalars['String']['input']>;
  since?: InputMaybe<Scalars['DateTime']['input']>;
  until?: InputMaybe<Scalars['DateTime']['input']>;
};

/** A token pair. `accessToken` goes into `Authorization: Bearer …`. What is selected under it is authorized as the principal who has just signed in. */
export type AuthPayload = {
  accessToken: Scalars['String']['output'];
  /** Seconds until the access token expires. */
  expiresIn: Scalars['Int']['output'];
  /** The current organization of the access token. */
  organization?: Maybe<Organization>;
  refreshToken: Scalars['String']['output'];
  tokenType: Scalars['String']['output'];
  user: User;
};

export type ChangeMemberRoleInput = {
  membershipId: Scalars['ID']['input'];
  role: Role;
};

export type ChangeMemberRolePayload = {
  membership: Membership;
};

export type ChangePasswordInput = {
  currentPassword: Scalars['String']['input'];
  newPassword: Scalars['String']['input'];
};

export type CreateApiKeyInput = {
  description?: InputMaybe<Scalars['String']['input']>;
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  name: Scalars['String']['input'];
  rateLimitPerMinute?: InputMaybe<Scalars['Int']['input']>;
  scopes: Array<Scalars['Scope']['input']>;
  service: Scalars['String']['input'];
};

/** `secret` is shown here and never again. */
export type CreateApiKeyPayload = {
  apiKey: ApiKey;
  secret: Scalars['String']['output'];
};

export type CreateGatewayInput = {
  name: Scalars['String']['input'];
  projectId: Scalars['ID']['input'];
};

export type CreateGatewayPayload = {
  gateway: Gateway;
};

export type CreateOrganizationInput = {
  name: Scalars['String']['input'];
};

export type CreateOrganizationPayload = {
  organization: Organization;
};

export type CreateProjectInput = {
  description?: InputMaybe<Scalars['String']['input']>;
  name: Scalars['String']['input'];
};

export type CreateProjectPayload = {
  project: Project;
};

export type DeactivateUserInput = {
  id: Scalars['ID']['input'];
};

export type DeactivateUserPayload = {
  user: User;
};

export type DeleteGatewayInput = {
  id: Scalars['ID']['input'];
};

export type DeleteGatewayPayload = {
  gateway: Gateway;
};

/** The current organization's slug, typed by the user, guards against a slip. */
export type DeleteOrganizationInput = {
  confirmSlug: Scalars['String']['input'];
};

export type DeleteOrganizationPayload = {
  organization: Organization;
};

export type DeleteProjectInput = {
  id: Scalars['ID']['input'];
};

export type DeleteProjectPayload = {
  project: Project;
};

export type DisableIssuerInput = {
  id: Scalars['ID']['input'];
};

export type DisableIssuerPayload = {
  issuer: Issuer;
};

/** The `extensions.code` of an error, and what else `extensions` holds. */
export type ErrorCode =
  /** The request is not a GraphQL request: its method, headers or body. */
  | 'BAD_REQUEST'
  /** A value is not accepted: `inputs`, each with its `path` and `reason`. */
  | 'BAD_USER_INPUT'
  /** The change contradicts what is there: `reason`. */
  | 'CONFLICT'
  /** The server runs documents that it knows beforehand, and this is none of them. */
  | 'DOCUMENT_NOT_TRUSTED'
  /** The principal lacks access: `reason`, `required`, `missing`. */
  | 'FORBIDDEN'
  /** The text is not a GraphQL document. */
  | 'GRAPHQL_PARSE_FAILED'
  /** The document does not fit the schema. */
  | 'GRAPHQL_VALIDATION_FAILED'
  /** The server failed: `requestId`, to be found in its log. */
  | 'INTERNAL_SERVER_ERROR'
  /** There is no such thing, or none that the principal may see. */
  | 'NOT_FOUND'
  /** The operation name names none of the document's operations, or several could be meant. */
  | 'OPERATION_RESOLUTION_FAILURE'
  /** The operation is larger than the server's limits: `limit`, `maximum`, `actual`. */
  | 'OPERATION_TOO_LARGE'
  /** The server does not know the document of this hash: send its text too. */
  | 'PERSISTED_QUERY_NOT_FOUND'
  /** The server knows no documents by their hashes: send the text alone. */
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  /** Too many attempts: `retryAfterSeconds`. */
  | 'RATE_LIMITED'
  /** The operation, or the arrival of its request, took longer than the server allows. */
  | 'TIMEOUT'
  /** No credential, or one that is not accepted: `reason`. */
  | 'UNAUTHENTICATED'
  /** The server cannot answer now, and will by itself: `retryAfterSeconds`. Look before repeating a change: it may have been made. */
  | 'UNAVAILABLE';

/** Told by the issuer and not checked here: for display. */
export type ExternalClaims = {
  email?: Maybe<Scalars['String']['output']>;
  firstName?: Maybe<Scalars['String']['output']>;
  /** The issuer's `iss`. */
  issuer: Scalars['String']['output'];
  lastName?: Maybe<Scalars['String']['output']>;
  username?: Maybe<Scalars['String']['output']>;
};

export type Gateway = Node & {
  createdAt: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  name: Scalars['String']['output'];
  project?: Maybe<Project>;
  updatedAt: Scalars['DateTime']['output'];
};

export type GatewayConnection = {
  edges: Array<GatewayEdge>;
  nodes: Array<Gateway>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type GatewayEdge = {
  cursor: Scalars['String']['output'];
  node: Gateway;
};

export type GatewayFilter = {
  nameContains?: InputMaybe<Scalars['String']['input']>;
  projectId?: InputMaybe<Scalars['ID']['input']>;
};

export type GatewayOrder = {
  direction: OrderDirection;
  field: GatewayOrderField;
};

export type GatewayOrderField =
  | 'CREATED_AT'
  | 'NAME';

export type Issuer = Node & {
  algorithms: Array<IssuerAlgorithm>;
  /** A token has one of them in `aud`. */
  audiences: Array<Scalars['String']['output']>;
  createdAt: Scalars['DateTime']['output'];
  createdBy?: Maybe<User>;
  disabledAt?: Maybe<Scalars['DateTime']['output']>;
  id: Scalars['ID']['output'];
  /** What its tokens say in `iss`, exactly. */
  iss: Scalars['String']['output'];
  /** Where its keys are; null: where its discovery document says. */
  jwksUri?: Maybe<Scalars['String']['output']>;
  /** The most that a token is granted. */
  maxScopes: Array<Scalars['Scope']['output']>;
  /** The claim with the token's scopes. */
  scopeClaim: Scalars['String']['output'];
  /** What these stand for here; one that is not listed stands for nothing. */
  scopeMap: Array<IssuerScope>;
};

export type IssuerAlgorithm =
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'RS256'
  | 'RS384'
  | 'RS512';

export type IssuerConnection = {
  edges: Array<IssuerEdge>;
  nodes: Array<Issuer>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type IssuerEdge = {
  cursor: Scalars['String']['output'];
  node: Issuer;
};

export type IssuerScope = {
  grants: Array<Scalars['Scope']['output']>;
  scope: Scalars['String']['output'];
};

export type IssuerScopeInput = {
  grants: Array<Scalars['Scope']['input']>;
  scope: Scalars['String']['input'];
};

export type LeaveOrganizationPayload = {
  organization: Organization;
};

/** `organizationId` picks the current organization; left out, the one used last, and none while that one is suspended. */
export type LoginInput = {
  email: Scalars['EmailAddress']['input'];
  organizationId?: InputMaybe<Scalars['ID']['input']>;
  password: Scalars['String']['input'];
};

export type LogoutInput = {
  everywhere?: InputMaybe<Scalars['Boolean']['input']>;
};

export type LogoutPayload = {
  revokedSessions: Scalars['Int']['output'];
};

export type Membership = Node & {
  createdAt: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  organization: Organization;
  role: Role;
  user: User;
};

export type MembershipConnection = {
  edges: Array<MembershipEdge>;
  nodes: Array<Membership>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type MembershipEdge = {
  cursor: Scalars['String']['output'];
  node: Membership;
};

export type Mutation = {
  activateUser: ActivateUserPayload;
  /** Adds a registered user as a member. */
  addMember: AddMemberPayload;
  changeMemberRole: ChangeMemberRolePayload;
  changePassword: AuthPayload;
  createApiKey: CreateApiKeyPayload;
  createGateway: CreateGatewayPayload;
  createOrganization: CreateOrganizationPayload;
  createProject: CreateProjectPayload;
  /** Ends every session of the user at once. */
  deactivateUser: DeactivateUserPayload;
  deleteGateway: DeleteGatewayPayload;
  /** Soft delete: the organization's data stays, and nobody reaches it any more. */
  deleteOrganization: DeleteOrganizationPayload;
  deleteProject: DeleteProjectPayload;
  /** Its tokens are refused from the next request on. The issuer may be registered again. */
  disableIssuer: DisableIssuerPayload;
  leaveOrganization: LeaveOrganizationPayload;
  login: AuthPayload;
  /** Ends the session of the presented access token, or every session of the user. */
  logout: LogoutPayload;
  refresh: AuthPayload;
  register: AuthPayload;
  /** Nothing is fetched from the issuer before the first of its tokens. */
  registerIssuer: RegisterIssuerPayload;
  reinstateOrganization: ReinstateOrganizationPayload;
  removeMember: RemoveMemberPayload;
  revokeApiKey: RevokeApiKeyPayload;
  revokeSession: RevokeSessionPayload;
  /** A new key with the old one's settings. The old one goes on working for `overlapSeconds`, never past its own expiry. */
  rotateApiKey: RotateApiKeyPayload;
  setOperator: SetOperatorPayload;
  /** What an issuer calls the organization, where that is neither its id nor its slug; null or nothing takes it away. */
  setOrganizationExternalId: SetOrganizationExternalIdPayload;
  suspendOrganization: SuspendOrganizationPayload;
  /** A new token pair whose current organization is the given one. */
  switchOrganization: AuthPayload;
  updateApiKey: UpdateApiKeyPayload;
  updateGateway: UpdateGatewayPayload;
  updateOrganization: UpdateOrganizationPayload;
  updateProject: UpdateProjectPayload;
};


export type MutationActivateUserArgs = {
  input: ActivateUserInput;
};


export type MutationAddMemberArgs = {
  input: AddMemberInput;
};


export type MutationChangeMemberRoleArgs = {
  input: ChangeMemberRoleInput;
};


export type MutationChangePasswordArgs = {
  input: ChangePasswordInput;
};


export type MutationCreateApiKeyArgs = {
  input: CreateApiKeyInput;
};


export type MutationCreateGatewayArgs = {
  input: CreateGatewayInput;
};


export type MutationCreateOrganizationArgs = {
  input: CreateOrganizationInput;
};


export type MutationCreateProjectArgs = {
  input: CreateProjectInput;
};


export type MutationDeactivateUserArgs = {
  input: DeactivateUserInput;
};


export type MutationDeleteGatewayArgs = {
  input: DeleteGatewayInput;
};


export type MutationDeleteOrganizationArgs = {
  input: DeleteOrganizationInput;
};


export type MutationDeleteProjectArgs = {
  input: DeleteProjectInput;
};


export type MutationDisableIssuerArgs = {
  input: DisableIssuerInput;
};


export type MutationLoginArgs = {
  input: LoginInput;
};


export type MutationLogoutArgs = {
  input?: InputMaybe<LogoutInput>;
};


export type MutationRefreshArgs = {
  input: RefreshInput;
};


export type MutationRegisterArgs = {
  input: RegisterInput;
};


export type MutationRegisterIssuerArgs = {
  input: RegisterIssuerInput;
};


export type MutationReinstateOrganizationArgs = {
  input: ReinstateOrganizationInput;
};


export type MutationRemoveMemberArgs = {
  input: RemoveMemberInput;
};


export type MutationRevokeApiKeyArgs = {
  input: RevokeApiKeyInput;
};


export type MutationRevokeSessionArgs = {
  input: RevokeSessionInput;
};


export type MutationRotateApiKeyArgs = {
  input: RotateApiKeyInput;
};


export type MutationSetOperatorArgs = {
  input: SetOperatorInput;
};


export type MutationSetOrganizationExternalIdArgs = {
  input: SetOrganizationExternalIdInput;
};


export type MutationSuspendOrganizationArgs = {
  input: SuspendOrganizationInput;
};


export type MutationSwitchOrganizationArgs = {
  input: SwitchOrganizationInput;
};


export type MutationUpdateApiKeyArgs = {
  input: UpdateApiKeyInput;
};


export type MutationUpdateGatewayArgs = {
  input: UpdateGatewayInput;
};


export type MutationUpdateOrganizationArgs = {
  input: UpdateOrganizationInput;
};


export type MutationUpdateProjectArgs = {
  input: UpdateProjectInput;
};

export type Node = {
  id: Scalars['ID']['output'];
};

export type OrderDirection =
  | 'ASC'
  | 'DESC';

export type Organization = Node & {
  createdAt: Scalars['DateTime']['output'];
  /** What the tokens of issuers call it, where an operator has said so. */
  externalId?: Maybe<Scalars['String']['output']>;
  id: Scalars['ID']['output'];
  members?: Maybe<MembershipConnection>;
  name: Scalars['String']['output'];
  /** When true, a user's request for this organization's data must also carry one of its API keys (X-Tenant-Api-Key). */
  requiresTenantApiKey: Scalars['Boolean']['output'];
  slug: Scalars['String']['output'];
  suspendedAt?: Maybe<Scalars['DateTime']['output']>;
};


export type OrganizationMembersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};

export type OrganizationConnection = {
  edges: Array<OrganizationEdge>;
  nodes: Array<Organization>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type OrganizationEdge = {
  cursor: Scalars['String']['output'];
  node: Organization;
};

export type PageInfo = {
  endCursor?: Maybe<Scalars['String']['output']>;
  hasNextPage: Scalars['Boolean']['output'];
  hasPreviousPage: Scalars['Boolean']['output'];
  startCursor?: Maybe<Scalars['String']['output']>;
};

export type Platform = {
  auditEvents: PlatformAuditEventConnection;
  organization?: Maybe<Organization>;
  organizations: OrganizationConnection;
  user?: Maybe<User>;
  users: UserConnection;
};


export type PlatformAuditEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<AuditEventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  organizationId?: InputMaybe<Scalars['ID']['input']>;
};


export type PlatformOrganizationArgs = {
  id: Scalars['ID']['input'];
};


export type PlatformOrganizationsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};


export type PlatformUserArgs = {
  id: Scalars['ID']['input'];
};


export type PlatformUsersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};

/** An audit event as an operator sees it, with its organization. */
export type PlatformAuditEvent = Node & {
  action: Scalars['String']['output'];
  actorId?: Maybe<Scalars['String']['output']>;
  actorKind?: Maybe<PrincipalKind>;
  createdAt: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  ipAddress?: Maybe<Scalars['String']['output']>;
  organization?: Maybe<Organization>;
  requestId?: Maybe<Scalars['String']['output']>;
  succeeded: Scalars['Boolean']['output'];
  targetId?: Maybe<Scalars['String']['output']>;
  targetType?: Maybe<Scalars['String']['output']>;
  userAgent?: Maybe<Scalars['String']['output']>;
};

export type PlatformAuditEventConnection = {
  edges: Array<PlatformAuditEventEdge>;
  nodes: Array<PlatformAuditEvent>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type PlatformAuditEventEdge = {
  cursor: Scalars['String']['output'];
  node: PlatformAuditEvent;
};

export type Principal = {
  /** True where every scope given is covered. For a user interface that hides what it may not do. */
  can: Scalars['Boolean']['output'];
  /** What the token of a trusted issuer says of its user; null for every other kind. */
  claims?: Maybe<ExternalClaims>;
  kind: PrincipalKind;
  /** Null where the credential names none: a user without an organization, an operator. */
  organization?: Maybe<Organization>;
  /** Null for principals that hold no role. */
  role?: Maybe<Role>;
  /** The scopes granted, wildcards kept. */
  scopes: Array<Scalars['Scope']['output']>;
  /** `sub`: the user's id, the API key's id, or the external subject. */
  subject: Scalars['String']['output'];
};


export type PrincipalCanArgs = {
  scopes: Array<Scalars['Scope']['input']>;
};

export type PrincipalKind =
  | 'API_KEY'
  | 'EXTERNAL'
  | 'OPERATOR'
  | 'USER';

export type Project = Node & {
  createdAt: Scalars['DateTime']['output'];
  description?: Maybe<Scalars['String']['output']>;
  gateways?: Maybe<GatewayConnection>;
  id: Scalars['ID']['output'];
  name: Scalars['String']['output'];
  updatedAt: Scalars['DateTime']['output'];
};


export type ProjectGatewaysArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};

export type ProjectConnection = {
  edges: Array<ProjectEdge>;
  nodes: Array<Project>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type ProjectEdge = {
  cursor: Scalars['String']['output'];
  node: Project;
};

export type ProjectFilter = {
  nameContains?: InputMaybe<Scalars['String']['input']>;
};

export type ProjectOrder = {
  direction: OrderDirection;
  field: ProjectOrderField;
};

export type ProjectOrderField =
  | 'CREATED_AT'
  | 'NAME';

export type Query = {
  apiKey?: Maybe<ApiKey>;
  apiKeys?: Maybe<ApiKeyConnection>;
  auditEvents?: Maybe<AuditEventConnection>;
  gateway?: Maybe<Gateway>;
  gateways?: Maybe<GatewayConnection>;
  /** Whose tokens the organization accepts beside the server's own. They are sent with `X-Tenant-Id`, and act for it alone. */
  issuers?: Maybe<IssuerConnection>;
  /** The signed-in user. */
  me: User;
  /** The current organization: the one that the credential names. */
  organization?: Maybe<Organization>;
  /** Everything that reaches across organizations. */
  platform?: Maybe<Platform>;
  /** Who the server takes the caller to be. */
  principal: Principal;
  project?: Maybe<Project>;
  projects?: Maybe<ProjectConnection>;
};


export type QueryApiKeyArgs = {
  id: Scalars['ID']['input'];
};


export type QueryApiKeysArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryAuditEventsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<AuditEventFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryGatewayArgs = {
  id: Scalars['ID']['input'];
};


export type QueryGatewaysArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<GatewayFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  orderBy?: InputMaybe<GatewayOrder>;
};


export type QueryIssuersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryProjectArgs = {
  id: Scalars['ID']['input'];
};


export type QueryProjectsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  before?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<ProjectFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
  orderBy?: InputMaybe<ProjectOrder>;
};

export type RefreshInput = {
  refreshToken: Scalars['String']['input'];
};

export type RegisterInput = {
  email: Scalars['EmailAddress']['input'];
  firstName?: InputMaybe<Scalars['String']['input']>;
  lastName?: InputMaybe<Scalars['String']['input']>;
  organizationName?: InputMaybe<Scalars['String']['input']>;
  password: Scalars['String']['input'];
};

export type RegisterIssuerInput = {
  algorithms?: Array<IssuerAlgorithm>;
  audiences: Array<Scalars['String']['input']>;
  iss: Scalars['String']['input'];
  jwksUri?: InputMaybe<Scalars['String']['input']>;
  maxScopes: Array<Scalars['Scope']['input']>;
  scopeClaim?: Scalars['String']['input'];
  /** Left out: `api:read` grants `read:*`, and `api:write` grants `write:*`. */
  scopeMap?: InputMaybe<Array<IssuerScopeInput>>;
};

export type RegisterIssuerPayload = {
  issuer: Issuer;
};

export type ReinstateOrganizationInput = {
  id: Scalars['ID']['input'];
};

export type ReinstateOrganizationPayload = {
  organization: Organization;
};

export type RemoveMemberInput = {
  membershipId: Scalars['ID']['input'];
};

export type RemoveMemberPayload = {
  membership: Membership;
};

export type RevokeApiKeyInput = {
  id: Scalars['ID']['input'];
};

export type RevokeApiKeyPayload = {
  apiKey: ApiKey;
};

export type RevokeSessionInput = {
  id: Scalars['ID']['input'];
};

export type RevokeSessionPayload = {
  session: Session;
};

/** In rising order. */
export type Role =
  | 'ADMIN'
  | 'DEVELOPER'
  | 'VIEWER';

export type RotateApiKeyInput = {
  id: Scalars['ID']['input'];
  overlapSeconds?: InputMaybe<Scalars['Int']['input']>;
};

export type RotateApiKeyPayload = {
  apiKey: ApiKey;
  previous: ApiKey;
  secret: Scalars['String']['output'];
};

/** One login: a family of refresh tokens, revoked together. */
export type Session = Node & {
  createdAt: Scalars['DateTime']['output'];
  expiresAt: Scalars['DateTime']['output'];
  id: Scalars['ID']['output'];
  ipAddress?: Maybe<Scalars['String']['output']>;
  isCurrent: Scalars['Boolean']['output'];
  lastUsedAt: Scalars['DateTime']['output'];
  userAgent?: Maybe<Scalars['String']['output']>;
};

export type SetOperatorInput = {
  isOperator: Scalars['Boolean']['input'];
  userId: Scalars['ID']['input'];
};

export type SetOperatorPayload = {
  user: User;
};

export type SetOrganizationExternalIdInput = {
  externalId?: InputMaybe<Scalars['String']['input']>;
  id: Scalars['ID']['input'];
};

export type SetOrganizationExternalIdPayload = {
  organization: Organization;
};

export type SuspendOrganizationInput = {
  id: Scalars['ID']['input'];
  reason?: InputMaybe<Scalars['String']['input']>;
};

export type SuspendOrganizationPayload = {
  organization: Organization;
};

export type SwitchOrganizationInput = {
  organizationId: Scalars['ID']['input'];
};

export type UpdateApiKeyInput = {
  description?: InputMaybe<Scalars['String']['input']>;
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  id: Scalars['ID']['input'];
  isActive?: InputMaybe<Scalars['Boolean']['input']>;
  name?: InputMaybe<Scalars['String']['input']>;
  rateLimitPerMinute?: InputMaybe<Scalars['Int']['input']>;
  scopes?: InputMaybe<Array<Scalars['Scope']['input']>>;
};

export type UpdateApiKeyPayload = {
  apiKey: ApiKey;
};

export type UpdateGatewayInput = {
  id: Scalars['ID']['input'];
  name?: InputMaybe<Scalars['String']['input']>;
  projectId?: InputMaybe<Scalars['ID']['input']>;
};

export type UpdateGatewayPayload = {
  gateway: Gateway;
};

export type UpdateOrganizationInput = {
  name?: InputMaybe<Scalars['String']['input']>;
  requiresTenantApiKey?: InputMaybe<Scalars['Boolean']['input']>;
};

export type UpdateOrganizationPayload = {
  organization: Organization;
};

export type UpdateProjectInput = {
  description?: InputMaybe<Scalars['String']['input']>;
  id: Scalars['ID']['input'];
  name?: InputMaybe<Scalars['String']['input']>;
};

export type UpdateProjectPayload = {
  project: Project;
};

export type User = Node & {
  createdAt: Scalars['DateTime']['output'];
  email: Scalars['EmailAddress']['output'];
  firstName?: Maybe<Scalars['String']['output']>;
  id: Scalars['ID']['output'];
  isActive: Scalars['Boolean']['output'];
  isOperator?: Maybe<Scalars['Boolean']['output']>;
  lastLoginAt?: Maybe<Scalars['DateTime']['output']>;
  lastName?: Maybe<Scalars['String']['output']>;
  /** The signed-in user's own memberships; empty for anyone else's. */
  memberships?: Maybe<Array<Membership>>;
  /** The signed-in user's own live sessions; empty for anyone else's. */
  sessions?: Maybe<Array<Session>>;
};

export type UserConnection = {
  edges: Array<UserEdge>;
  nodes: Array<User>;
  pageInfo: PageInfo;
  totalCount: Scalars['Int']['output'];
};

export type UserEdge = {
  cursor: Scalars['String']['output'];
  node: User;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;




/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  Node:
    | ( ApiKeyRow )
    | ( AuditEventRow )
    | ( GatewayRow )
    | ( IssuerRow )
    | ( MembershipRow )
    | ( OrganizationRow )
    | ( AuditEventRow )
    | ( ProjectRow )
    | ( SessionRow )
    | ( UserRow )
  ;
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  ActivateUserInput: ActivateUserInput;
  ActivateUserPayload: ResolverTypeWrapper<Omit<ActivateUserPayload, 'user'> & { user: ResolversTypes['User'] }>;
  AddMemberInput: AddMemberInput;
  AddMemberPayload: ResolverTypeWrapper<Omit<AddMemberPayload, 'membership'> & { membership: ResolversTypes['Membership'] }>;
  ApiKey: ResolverTypeWrapper<ApiKeyRow>;
  ApiKeyConnection: ResolverTypeWrapper<Connection<ApiKeyRow>>;
  ApiKeyEdge: ResolverTypeWrapper<Omit<ApiKeyEdge, 'node'> & { node: ResolversTypes['ApiKey'] }>;
  ApiKeyStatus: ApiKeyStatus;
  AuditEvent: ResolverTypeWrapper<AuditEventRow>;
  AuditEventConnection: ResolverTypeWrapper<Connection<AuditEventRow>>;
  AuditEventEdge: ResolverTypeWrapper<Omit<AuditEventEdge, 'node'> & { node: ResolversTypes['AuditEvent'] }>;
  AuditEventFilter: AuditEventFilter;
  AuthPayload: ResolverTypeWrapper<Omit<AuthPayload, 'organization' | 'user'> & { organization?: Maybe<ResolversTypes['Organization']>, user: ResolversTypes['User'] }>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  ChangeMemberRoleInput: ChangeMemberRoleInput;
  ChangeMemberRolePayload: ResolverTypeWrapper<Omit<ChangeMemberRolePayload, 'membership'> & { membership: ResolversTypes['Membership'] }>;
  ChangePasswordInput: ChangePasswordInput;
  CreateApiKeyInput: CreateApiKeyInput;
  CreateApiKeyPayload: ResolverTypeWrapper<Omit<CreateApiKeyPayload, 'apiKey'> & { apiKey: ResolversTypes['ApiKey'] }>;
  CreateGatewayInput: CreateGatewayInput;
  CreateGatewayPayload: ResolverTypeWrapper<Omit<CreateGatewayPayload, 'gateway'> & { gateway: ResolversTypes['Gateway'] }>;
  CreateOrganizationInput: CreateOrganizationInput;
  CreateOrganizationPayload: ResolverTypeWrapper<Omit<CreateOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  CreateProjectInput: CreateProjectInput;
  CreateProjectPayload: ResolverTypeWrapper<Omit<CreateProjectPayload, 'project'> & { project: ResolversTypes['Project'] }>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DeactivateUserInput: DeactivateUserInput;
  DeactivateUserPayload: ResolverTypeWrapper<Omit<DeactivateUserPayload, 'user'> & { user: ResolversTypes['User'] }>;
  DeleteGatewayInput: DeleteGatewayInput;
  DeleteGatewayPayload: ResolverTypeWrapper<Omit<DeleteGatewayPayload, 'gateway'> & { gateway: ResolversTypes['Gateway'] }>;
  DeleteOrganizationInput: DeleteOrganizationInput;
  DeleteOrganizationPayload: ResolverTypeWrapper<Omit<DeleteOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  DeleteProjectInput: DeleteProjectInput;
  DeleteProjectPayload: ResolverTypeWrapper<Omit<DeleteProjectPayload, 'project'> & { project: ResolversTypes['Project'] }>;
  DisableIssuerInput: DisableIssuerInput;
  DisableIssuerPayload: ResolverTypeWrapper<Omit<DisableIssuerPayload, 'issuer'> & { issuer: ResolversTypes['Issuer'] }>;
  EmailAddress: ResolverTypeWrapper<Scalars['EmailAddress']['output']>;
  ErrorCode: ErrorCode;
  ExternalClaims: ResolverTypeWrapper<ToldByIssuer>;
  Gateway: ResolverTypeWrapper<GatewayRow>;
  GatewayConnection: ResolverTypeWrapper<Connection<GatewayRow>>;
  GatewayEdge: ResolverTypeWrapper<Omit<GatewayEdge, 'node'> & { node: ResolversTypes['Gateway'] }>;
  GatewayFilter: GatewayFilter;
  GatewayOrder: GatewayOrder;
  GatewayOrderField: GatewayOrderField;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  Issuer: ResolverTypeWrapper<IssuerRow>;
  IssuerAlgorithm: IssuerAlgorithm;
  IssuerConnection: ResolverTypeWrapper<Connection<IssuerRow>>;
  IssuerEdge: ResolverTypeWrapper<Omit<IssuerEdge, 'node'> & { node: ResolversTypes['Issuer'] }>;
  IssuerScope: ResolverTypeWrapper<IssuerScope>;
  IssuerScopeInput: IssuerScopeInput;
  LeaveOrganizationPayload: ResolverTypeWrapper<Omit<LeaveOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  LoginInput: LoginInput;
  LogoutInput: LogoutInput;
  LogoutPayload: ResolverTypeWrapper<LogoutPayload>;
  Membership: ResolverTypeWrapper<MembershipRow>;
  MembershipConnection: ResolverTypeWrapper<Connection<MembershipRow>>;
  MembershipEdge: ResolverTypeWrapper<Omit<MembershipEdge, 'node'> & { node: ResolversTypes['Membership'] }>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Node: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['Node']>;
  OrderDirection: OrderDirection;
  Organization: ResolverTypeWrapper<OrganizationRow>;
  OrganizationConnection: ResolverTypeWrapper<Connection<OrganizationRow>>;
  OrganizationEdge: ResolverTypeWrapper<Omit<OrganizationEdge, 'node'> & { node: ResolversTypes['Organization'] }>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Platform: ResolverTypeWrapper<Record<string, never>>;
  PlatformAuditEvent: ResolverTypeWrapper<AuditEventRow>;
  PlatformAuditEventConnection: ResolverTypeWrapper<Connection<AuditEventRow>>;
  PlatformAuditEventEdge: ResolverTypeWrapper<Omit<PlatformAuditEventEdge, 'node'> & { node: ResolversTypes['PlatformAuditEvent'] }>;
  Principal: ResolverTypeWrapper<RequestPrincipal>;
  PrincipalKind: PrincipalKind;
  Project: ResolverTypeWrapper<ProjectRow>;
  ProjectConnection: ResolverTypeWrapper<Connection<ProjectRow>>;
  ProjectEdge: ResolverTypeWrapper<Omit<ProjectEdge, 'node'> & { node: ResolversTypes['Project'] }>;
  ProjectFilter: ProjectFilter;
  ProjectOrder: ProjectOrder;
  ProjectOrderField: ProjectOrderField;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RefreshInput: RefreshInput;
  RegisterInput: RegisterInput;
  RegisterIssuerInput: RegisterIssuerInput;
  RegisterIssuerPayload: ResolverTypeWrapper<Omit<RegisterIssuerPayload, 'issuer'> & { issuer: ResolversTypes['Issuer'] }>;
  ReinstateOrganizationInput: ReinstateOrganizationInput;
  ReinstateOrganizationPayload: ResolverTypeWrapper<Omit<ReinstateOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  RemoveMemberInput: RemoveMemberInput;
  RemoveMemberPayload: ResolverTypeWrapper<Omit<RemoveMemberPayload, 'membership'> & { membership: ResolversTypes['Membership'] }>;
  RevokeApiKeyInput: RevokeApiKeyInput;
  RevokeApiKeyPayload: ResolverTypeWrapper<Omit<RevokeApiKeyPayload, 'apiKey'> & { apiKey: ResolversTypes['ApiKey'] }>;
  RevokeSessionInput: RevokeSessionInput;
  RevokeSessionPayload: ResolverTypeWrapper<Omit<RevokeSessionPayload, 'session'> & { session: ResolversTypes['Session'] }>;
  Role: Role;
  RotateApiKeyInput: RotateApiKeyInput;
  RotateApiKeyPayload: ResolverTypeWrapper<Omit<RotateApiKeyPayload, 'apiKey' | 'previous'> & { apiKey: ResolversTypes['ApiKey'], previous: ResolversTypes['ApiKey'] }>;
  Scope: ResolverTypeWrapper<Scalars['Scope']['output']>;
  Session: ResolverTypeWrapper<SessionRow>;
  SetOperatorInput: SetOperatorInput;
  SetOperatorPayload: ResolverTypeWrapper<Omit<SetOperatorPayload, 'user'> & { user: ResolversTypes['User'] }>;
  SetOrganizationExternalIdInput: SetOrganizationExternalIdInput;
  SetOrganizationExternalIdPayload: ResolverTypeWrapper<Omit<SetOrganizationExternalIdPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  SuspendOrganizationInput: SuspendOrganizationInput;
  SuspendOrganizationPayload: ResolverTypeWrapper<Omit<SuspendOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  SwitchOrganizationInput: SwitchOrganizationInput;
  UpdateApiKeyInput: UpdateApiKeyInput;
  UpdateApiKeyPayload: ResolverTypeWrapper<Omit<UpdateApiKeyPayload, 'apiKey'> & { apiKey: ResolversTypes['ApiKey'] }>;
  UpdateGatewayInput: UpdateGatewayInput;
  UpdateGatewayPayload: ResolverTypeWrapper<Omit<UpdateGatewayPayload, 'gateway'> & { gateway: ResolversTypes['Gateway'] }>;
  UpdateOrganizationInput: UpdateOrganizationInput;
  UpdateOrganizationPayload: ResolverTypeWrapper<Omit<UpdateOrganizationPayload, 'organization'> & { organization: ResolversTypes['Organization'] }>;
  UpdateProjectInput: UpdateProjectInput;
  UpdateProjectPayload: ResolverTypeWrapper<Omit<UpdateProjectPayload, 'project'> & { project: ResolversTypes['Project'] }>;
  User: ResolverTypeWrapper<UserRow>;
  UserConnection: ResolverTypeWrapper<Connection<UserRow>>;
  UserEdge: ResolverTypeWrapper<Omit<UserEdge, 'node'> & { node: ResolversTypes['User'] }>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  ActivateUserInput: ActivateUserInput;
  ActivateUserPayload: Omit<ActivateUserPayload, 'user'> & { user: ResolversParentTypes['User'] };
  AddMemberInput: AddMemberInput;
  AddMemberPayload: Omit<AddMemberPayload, 'membership'> & { membership: ResolversParentTypes['Membership'] };
  ApiKey: ApiKeyRow;
  ApiKeyConnection: Connection<ApiKeyRow>;
  ApiKeyEdge: Omit<ApiKeyEdge, 'node'> & { node: ResolversParentTypes['ApiKey'] };
  AuditEvent: AuditEventRow;
  AuditEventConnection: Connection<AuditEventRow>;
  AuditEventEdge: Omit<AuditEventEdge, 'node'> & { node: ResolversParentTypes['AuditEvent'] };
  AuditEventFilter: AuditEventFilter;
  AuthPayload: Omit<AuthPayload, 'organization' | 'user'> & { organization?: Maybe<ResolversParentTypes['Organization']>, user: ResolversParentTypes['User'] };
  Boolean: Scalars['Boolean']['output'];
  ChangeMemberRoleInput: ChangeMemberRoleInput;
  ChangeMemberRolePayload: Omit<ChangeMemberRolePayload, 'membership'> & { membership: ResolversParentTypes['Membership'] };
  ChangePasswordInput: ChangePasswordInput;
  CreateApiKeyInput: CreateApiKeyInput;
  CreateApiKeyPayload: Omit<CreateApiKeyPayload, 'apiKey'> & { apiKey: ResolversParentTypes['ApiKey'] };
  CreateGatewayInput: CreateGatewayInput;
  CreateGatewayPayload: Omit<CreateGatewayPayload, 'gateway'> & { gateway: ResolversParentTypes['Gateway'] };
  CreateOrganizationInput: CreateOrganizationInput;
  CreateOrganizationPayload: Omit<CreateOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  CreateProjectInput: CreateProjectInput;
  CreateProjectPayload: Omit<CreateProjectPayload, 'project'> & { project: ResolversParentTypes['Project'] };
  DateTime: Scalars['DateTime']['output'];
  DeactivateUserInput: DeactivateUserInput;
  DeactivateUserPayload: Omit<DeactivateUserPayload, 'user'> & { user: ResolversParentTypes['User'] };
  DeleteGatewayInput: DeleteGatewayInput;
  DeleteGatewayPayload: Omit<DeleteGatewayPayload, 'gateway'> & { gateway: ResolversParentTypes['Gateway'] };
  DeleteOrganizationInput: DeleteOrganizationInput;
  DeleteOrganizationPayload: Omit<DeleteOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  DeleteProjectInput: DeleteProjectInput;
  DeleteProjectPayload: Omit<DeleteProjectPayload, 'project'> & { project: ResolversParentTypes['Project'] };
  DisableIssuerInput: DisableIssuerInput;
  DisableIssuerPayload: Omit<DisableIssuerPayload, 'issuer'> & { issuer: ResolversParentTypes['Issuer'] };
  EmailAddress: Scalars['EmailAddress']['output'];
  ExternalClaims: ToldByIssuer;
  Gateway: GatewayRow;
  GatewayConnection: Connection<GatewayRow>;
  GatewayEdge: Omit<GatewayEdge, 'node'> & { node: ResolversParentTypes['Gateway'] };
  GatewayFilter: GatewayFilter;
  GatewayOrder: GatewayOrder;
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  Issuer: IssuerRow;
  IssuerConnection: Connection<IssuerRow>;
  IssuerEdge: Omit<IssuerEdge, 'node'> & { node: ResolversParentTypes['Issuer'] };
  IssuerScope: IssuerScope;
  IssuerScopeInput: IssuerScopeInput;
  LeaveOrganizationPayload: Omit<LeaveOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  LoginInput: LoginInput;
  LogoutInput: LogoutInput;
  LogoutPayload: LogoutPayload;
  Membership: MembershipRow;
  MembershipConnection: Connection<MembershipRow>;
  MembershipEdge: Omit<MembershipEdge, 'node'> & { node: ResolversParentTypes['Membership'] };
  Mutation: Record<PropertyKey, never>;
  Node: ResolversInterfaceTypes<ResolversParentTypes>['Node'];
  Organization: OrganizationRow;
  OrganizationConnection: Connection<OrganizationRow>;
  OrganizationEdge: Omit<OrganizationEdge, 'node'> & { node: ResolversParentTypes['Organization'] };
  PageInfo: PageInfo;
  Platform: Record<string, never>;
  PlatformAuditEvent: AuditEventRow;
  PlatformAuditEventConnection: Connection<AuditEventRow>;
  PlatformAuditEventEdge: Omit<PlatformAuditEventEdge, 'node'> & { node: ResolversParentTypes['PlatformAuditEvent'] };
  Principal: RequestPrincipal;
  Project: ProjectRow;
  ProjectConnection: Connection<ProjectRow>;
  ProjectEdge: Omit<ProjectEdge, 'node'> & { node: ResolversParentTypes['Project'] };
  ProjectFilter: ProjectFilter;
  ProjectOrder: ProjectOrder;
  Query: Record<PropertyKey, never>;
  RefreshInput: RefreshInput;
  RegisterInput: RegisterInput;
  RegisterIssuerInput: RegisterIssuerInput;
  RegisterIssuerPayload: Omit<RegisterIssuerPayload, 'issuer'> & { issuer: ResolversParentTypes['Issuer'] };
  ReinstateOrganizationInput: ReinstateOrganizationInput;
  ReinstateOrganizationPayload: Omit<ReinstateOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  RemoveMemberInput: RemoveMemberInput;
  RemoveMemberPayload: Omit<RemoveMemberPayload, 'membership'> & { membership: ResolversParentTypes['Membership'] };
  RevokeApiKeyInput: RevokeApiKeyInput;
  RevokeApiKeyPayload: Omit<RevokeApiKeyPayload, 'apiKey'> & { apiKey: ResolversParentTypes['ApiKey'] };
  RevokeSessionInput: RevokeSessionInput;
  RevokeSessionPayload: Omit<RevokeSessionPayload, 'session'> & { session: ResolversParentTypes['Session'] };
  RotateApiKeyInput: RotateApiKeyInput;
  RotateApiKeyPayload: Omit<RotateApiKeyPayload, 'apiKey' | 'previous'> & { apiKey: ResolversParentTypes['ApiKey'], previous: ResolversParentTypes['ApiKey'] };
  Scope: Scalars['Scope']['output'];
  Session: SessionRow;
  SetOperatorInput: SetOperatorInput;
  SetOperatorPayload: Omit<SetOperatorPayload, 'user'> & { user: ResolversParentTypes['User'] };
  SetOrganizationExternalIdInput: SetOrganizationExternalIdInput;
  SetOrganizationExternalIdPayload: Omit<SetOrganizationExternalIdPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  String: Scalars['String']['output'];
  SuspendOrganizationInput: SuspendOrganizationInput;
  SuspendOrganizationPayload: Omit<SuspendOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  SwitchOrganizationInput: SwitchOrganizationInput;
  UpdateApiKeyInput: UpdateApiKeyInput;
  UpdateApiKeyPayload: Omit<UpdateApiKeyPayload, 'apiKey'> & { apiKey: ResolversParentTypes['ApiKey'] };
  UpdateGatewayInput: UpdateGatewayInput;
  UpdateGatewayPayload: Omit<UpdateGatewayPayload, 'gateway'> & { gateway: ResolversParentTypes['Gateway'] };
  UpdateOrganizationInput: UpdateOrganizationInput;
  UpdateOrganizationPayload: Omit<UpdateOrganizationPayload, 'organization'> & { organization: ResolversParentTypes['Organization'] };
  UpdateProjectInput: UpdateProjectInput;
  UpdateProjectPayload: Omit<UpdateProjectPayload, 'project'> & { project: ResolversParentTypes['Project'] };
  User: UserRow;
  UserConnection: Connection<UserRow>;
  UserEdge: Omit<UserEdge, 'node'> & { node: ResolversParentTypes['User'] };
};

export type AuthDirectiveArgs = {
  kinds?: Maybe<Array<PrincipalKind>>;
};

export type AuthDirectiveResolver<Result, Parent, ContextType = Context, Args = AuthDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type CostDirectiveArgs = {
  weight: Scalars['String']['input'];
};

export type CostDirectiveResolver<Result, Parent, ContextType = Context, Args = CostDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type ListSizeDirectiveArgs = {
  assumedSize?: Maybe<Scalars['Int']['input']>;
  sizedFields?: Maybe<Array<Scalars['String']['input']>>;
  slicingArguments?: Maybe<Array<Scalars['String']['input']>>;
};

export type ListSizeDirectiveResolver<Result, Parent, ContextType = Context, Args = ListSizeDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type PublicDirectiveArgs = { };

export type PublicDirectiveResolver<Result, Parent, ContextType = Context, Args = PublicDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type RoleDirectiveArgs = {
  atLeast: Role;
};

export type RoleDirectiveResolver<Result, Parent, ContextType = Context, Args = RoleDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type ScopeDirectiveArgs = {
  anyOf?: Maybe<Array<Scalars['Scope']['input']>>;
  requires?: Maybe<Array<Scalars['Scope']['input']>>;
};

export type ScopeDirectiveResolver<Result, Parent, ContextType = Context, Args = ScopeDirectiveArgs> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type ActivateUserPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ActivateUserPayload'] = ResolversParentTypes['ActivateUserPayload']> = {
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type AddMemberPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AddMemberPayload'] = ResolversParentTypes['AddMemberPayload']> = {
  membership?: Resolver<ResolversTypes['Membership'], ParentType, ContextType>;
};

export type ApiKeyResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ApiKey'] = ResolversParentTypes['ApiKey']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  createdBy?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType>;
  description?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  lastEight?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  rateLimitPerMinute?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  revokedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  rotatedTo?: Resolver<Maybe<ResolversTypes['ApiKey']>, ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  service?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['ApiKeyStatus'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type ApiKeyConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ApiKeyConnection'] = ResolversParentTypes['ApiKeyConnection']> = {
  edges?: Resolver<Array<ResolversTypes['ApiKeyEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['ApiKey']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type ApiKeyEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ApiKeyEdge'] = ResolversParentTypes['ApiKeyEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
};

export type AuditEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditEvent'] = ResolversParentTypes['AuditEvent']> = {
  action?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  actorId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  actorKind?: Resolver<Maybe<ResolversTypes['PrincipalKind']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  requestId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  succeeded?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  targetId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  targetType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userAgent?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type AuditEventConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditEventConnection'] = ResolversParentTypes['AuditEventConnection']> = {
  edges?: Resolver<Array<ResolversTypes['AuditEventEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['AuditEvent']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type AuditEventEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditEventEdge'] = ResolversParentTypes['AuditEventEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['AuditEvent'], ParentType, ContextType>;
};

export type AuthPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuthPayload'] = ResolversParentTypes['AuthPayload']> = {
  accessToken?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  expiresIn?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  organization?: Resolver<Maybe<ResolversTypes['Organization']>, ParentType, ContextType>;
  refreshToken?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  tokenType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type ChangeMemberRolePayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ChangeMemberRolePayload'] = ResolversParentTypes['ChangeMemberRolePayload']> = {
  membership?: Resolver<ResolversTypes['Membership'], ParentType, ContextType>;
};

export type CreateApiKeyPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CreateApiKeyPayload'] = ResolversParentTypes['CreateApiKeyPayload']> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
  secret?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type CreateGatewayPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CreateGatewayPayload'] = ResolversParentTypes['CreateGatewayPayload']> = {
  gateway?: Resolver<ResolversTypes['Gateway'], ParentType, ContextType>;
};

export type CreateOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CreateOrganizationPayload'] = ResolversParentTypes['CreateOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type CreateProjectPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CreateProjectPayload'] = ResolversParentTypes['CreateProjectPayload']> = {
  project?: Resolver<ResolversTypes['Project'], ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DeactivateUserPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeactivateUserPayload'] = ResolversParentTypes['DeactivateUserPayload']> = {
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type DeleteGatewayPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeleteGatewayPayload'] = ResolversParentTypes['DeleteGatewayPayload']> = {
  gateway?: Resolver<ResolversTypes['Gateway'], ParentType, ContextType>;
};

export type DeleteOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeleteOrganizationPayload'] = ResolversParentTypes['DeleteOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type DeleteProjectPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DeleteProjectPayload'] = ResolversParentTypes['DeleteProjectPayload']> = {
  project?: Resolver<ResolversTypes['Project'], ParentType, ContextType>;
};

export type DisableIssuerPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DisableIssuerPayload'] = ResolversParentTypes['DisableIssuerPayload']> = {
  issuer?: Resolver<ResolversTypes['Issuer'], ParentType, ContextType>;
};

export interface EmailAddressScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['EmailAddress'], any> {
  name: 'EmailAddress';
}

export type ExternalClaimsResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ExternalClaims'] = ResolversParentTypes['ExternalClaims']> = {
  email?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  firstName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  issuer?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  lastName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  username?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type GatewayResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Gateway'] = ResolversParentTypes['Gateway']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  project?: Resolver<Maybe<ResolversTypes['Project']>, ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type GatewayConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GatewayConnection'] = ResolversParentTypes['GatewayConnection']> = {
  edges?: Resolver<Array<ResolversTypes['GatewayEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['Gateway']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type GatewayEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GatewayEdge'] = ResolversParentTypes['GatewayEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Gateway'], ParentType, ContextType>;
};

export type IssuerResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Issuer'] = ResolversParentTypes['Issuer']> = {
  algorithms?: Resolver<Array<ResolversTypes['IssuerAlgorithm']>, ParentType, ContextType>;
  audiences?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  createdBy?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType>;
  disabledAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  iss?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  jwksUri?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  maxScopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  scopeClaim?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  scopeMap?: Resolver<Array<ResolversTypes['IssuerScope']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type IssuerConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['IssuerConnection'] = ResolversParentTypes['IssuerConnection']> = {
  edges?: Resolver<Array<ResolversTypes['IssuerEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['Issuer']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type IssuerEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['IssuerEdge'] = ResolversParentTypes['IssuerEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Issuer'], ParentType, ContextType>;
};

export type IssuerScopeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['IssuerScope'] = ResolversParentTypes['IssuerScope']> = {
  grants?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  scope?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type LeaveOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LeaveOrganizationPayload'] = ResolversParentTypes['LeaveOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type LogoutPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LogoutPayload'] = ResolversParentTypes['LogoutPayload']> = {
  revokedSessions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type MembershipResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Membership'] = ResolversParentTypes['Membership']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
  role?: Resolver<ResolversTypes['Role'], ParentType, ContextType>;
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type MembershipConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MembershipConnection'] = ResolversParentTypes['MembershipConnection']> = {
  edges?: Resolver<Array<ResolversTypes['MembershipEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['Membership']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type MembershipEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MembershipEdge'] = ResolversParentTypes['MembershipEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Membership'], ParentType, ContextType>;
};

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  activateUser?: Resolver<ResolversTypes['ActivateUserPayload'], ParentType, ContextType, RequireFields<MutationActivateUserArgs, 'input'>>;
  addMember?: Resolver<ResolversTypes['AddMemberPayload'], ParentType, ContextType, RequireFields<MutationAddMemberArgs, 'input'>>;
  changeMemberRole?: Resolver<ResolversTypes['ChangeMemberRolePayload'], ParentType, ContextType, RequireFields<MutationChangeMemberRoleArgs, 'input'>>;
  changePassword?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationChangePasswordArgs, 'input'>>;
  createApiKey?: Resolver<ResolversTypes['CreateApiKeyPayload'], ParentType, ContextType, RequireFields<MutationCreateApiKeyArgs, 'input'>>;
  createGateway?: Resolver<ResolversTypes['CreateGatewayPayload'], ParentType, ContextType, RequireFields<MutationCreateGatewayArgs, 'input'>>;
  createOrganization?: Resolver<ResolversTypes['CreateOrganizationPayload'], ParentType, ContextType, RequireFields<MutationCreateOrganizationArgs, 'input'>>;
  createProject?: Resolver<ResolversTypes['CreateProjectPayload'], ParentType, ContextType, RequireFields<MutationCreateProjectArgs, 'input'>>;
  deactivateUser?: Resolver<ResolversTypes['DeactivateUserPayload'], ParentType, ContextType, RequireFields<MutationDeactivateUserArgs, 'input'>>;
  deleteGateway?: Resolver<ResolversTypes['DeleteGatewayPayload'], ParentType, ContextType, RequireFields<MutationDeleteGatewayArgs, 'input'>>;
  deleteOrganization?: Resolver<ResolversTypes['DeleteOrganizationPayload'], ParentType, ContextType, RequireFields<MutationDeleteOrganizationArgs, 'input'>>;
  deleteProject?: Resolver<ResolversTypes['DeleteProjectPayload'], ParentType, ContextType, RequireFields<MutationDeleteProjectArgs, 'input'>>;
  disableIssuer?: Resolver<ResolversTypes['DisableIssuerPayload'], ParentType, ContextType, RequireFields<MutationDisableIssuerArgs, 'input'>>;
  leaveOrganization?: Resolver<ResolversTypes['LeaveOrganizationPayload'], ParentType, ContextType>;
  login?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationLoginArgs, 'input'>>;
  logout?: Resolver<ResolversTypes['LogoutPayload'], ParentType, ContextType, Partial<MutationLogoutArgs>>;
  refresh?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationRefreshArgs, 'input'>>;
  register?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationRegisterArgs, 'input'>>;
  registerIssuer?: Resolver<ResolversTypes['RegisterIssuerPayload'], ParentType, ContextType, RequireFields<MutationRegisterIssuerArgs, 'input'>>;
  reinstateOrganization?: Resolver<ResolversTypes['ReinstateOrganizationPayload'], ParentType, ContextType, RequireFields<MutationReinstateOrganizationArgs, 'input'>>;
  removeMember?: Resolver<ResolversTypes['RemoveMemberPayload'], ParentType, ContextType, RequireFields<MutationRemoveMemberArgs, 'input'>>;
  revokeApiKey?: Resolver<ResolversTypes['RevokeApiKeyPayload'], ParentType, ContextType, RequireFields<MutationRevokeApiKeyArgs, 'input'>>;
  revokeSession?: Resolver<ResolversTypes['RevokeSessionPayload'], ParentType, ContextType, RequireFields<MutationRevokeSessionArgs, 'input'>>;
  rotateApiKey?: Resolver<ResolversTypes['RotateApiKeyPayload'], ParentType, ContextType, RequireFields<MutationRotateApiKeyArgs, 'input'>>;
  setOperator?: Resolver<ResolversTypes['SetOperatorPayload'], ParentType, ContextType, RequireFields<MutationSetOperatorArgs, 'input'>>;
  setOrganizationExternalId?: Resolver<ResolversTypes['SetOrganizationExternalIdPayload'], ParentType, ContextType, RequireFields<MutationSetOrganizationExternalIdArgs, 'input'>>;
  suspendOrganization?: Resolver<ResolversTypes['SuspendOrganizationPayload'], ParentType, ContextType, RequireFields<MutationSuspendOrganizationArgs, 'input'>>;
  switchOrganization?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationSwitchOrganizationArgs, 'input'>>;
  updateApiKey?: Resolver<ResolversTypes['UpdateApiKeyPayload'], ParentType, ContextType, RequireFields<MutationUpdateApiKeyArgs, 'input'>>;
  updateGateway?: Resolver<ResolversTypes['UpdateGatewayPayload'], ParentType, ContextType, RequireFields<MutationUpdateGatewayArgs, 'input'>>;
  updateOrganization?: Resolver<ResolversTypes['UpdateOrganizationPayload'], ParentType, ContextType, RequireFields<MutationUpdateOrganizationArgs, 'input'>>;
  updateProject?: Resolver<ResolversTypes['UpdateProjectPayload'], ParentType, ContextType, RequireFields<MutationUpdateProjectArgs, 'input'>>;
};

export type NodeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Node'] = ResolversParentTypes['Node']> = {
  __resolveType: TypeResolveFn<'ApiKey' | 'AuditEvent' | 'Gateway' | 'Issuer' | 'Membership' | 'Organization' | 'PlatformAuditEvent' | 'Project' | 'Session' | 'User', ParentType, ContextType>;
};

export type OrganizationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Organization'] = ResolversParentTypes['Organization']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  externalId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  members?: Resolver<Maybe<ResolversTypes['MembershipConnection']>, ParentType, ContextType, Partial<OrganizationMembersArgs>>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  requiresTenantApiKey?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  slug?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  suspendedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type OrganizationConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['OrganizationConnection'] = ResolversParentTypes['OrganizationConnection']> = {
  edges?: Resolver<Array<ResolversTypes['OrganizationEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['Organization']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type OrganizationEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['OrganizationEdge'] = ResolversParentTypes['OrganizationEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PlatformResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Platform'] = ResolversParentTypes['Platform']> = {
  auditEvents?: Resolver<ResolversTypes['PlatformAuditEventConnection'], ParentType, ContextType, Partial<PlatformAuditEventsArgs>>;
  organization?: Resolver<Maybe<ResolversTypes['Organization']>, ParentType, ContextType, RequireFields<PlatformOrganizationArgs, 'id'>>;
  organizations?: Resolver<ResolversTypes['OrganizationConnection'], ParentType, ContextType, Partial<PlatformOrganizationsArgs>>;
  user?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType, RequireFields<PlatformUserArgs, 'id'>>;
  users?: Resolver<ResolversTypes['UserConnection'], ParentType, ContextType, Partial<PlatformUsersArgs>>;
};

export type PlatformAuditEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PlatformAuditEvent'] = ResolversParentTypes['PlatformAuditEvent']> = {
  action?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  actorId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  actorKind?: Resolver<Maybe<ResolversTypes['PrincipalKind']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  organization?: Resolver<Maybe<ResolversTypes['Organization']>, ParentType, ContextType>;
  requestId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  succeeded?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  targetId?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  targetType?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userAgent?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type PlatformAuditEventConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PlatformAuditEventConnection'] = ResolversParentTypes['PlatformAuditEventConnection']> = {
  edges?: Resolver<Array<ResolversTypes['PlatformAuditEventEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['PlatformAuditEvent']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type PlatformAuditEventEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PlatformAuditEventEdge'] = ResolversParentTypes['PlatformAuditEventEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['PlatformAuditEvent'], ParentType, ContextType>;
};

export type PrincipalResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Principal'] = ResolversParentTypes['Principal']> = {
  can?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<PrincipalCanArgs, 'scopes'>>;
  claims?: Resolver<Maybe<ResolversTypes['ExternalClaims']>, ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['PrincipalKind'], ParentType, ContextType>;
  organization?: Resolver<Maybe<ResolversTypes['Organization']>, ParentType, ContextType>;
  role?: Resolver<Maybe<ResolversTypes['Role']>, ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  subject?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type ProjectResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Project'] = ResolversParentTypes['Project']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  description?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  gateways?: Resolver<Maybe<ResolversTypes['GatewayConnection']>, ParentType, ContextType, Partial<ProjectGatewaysArgs>>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type ProjectConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ProjectConnection'] = ResolversParentTypes['ProjectConnection']> = {
  edges?: Resolver<Array<ResolversTypes['ProjectEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['Project']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type ProjectEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ProjectEdge'] = ResolversParentTypes['ProjectEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Project'], ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  apiKey?: Resolver<Maybe<ResolversTypes['ApiKey']>, ParentType, ContextType, RequireFields<QueryApiKeyArgs, 'id'>>;
  apiKeys?: Resolver<Maybe<ResolversTypes['ApiKeyConnection']>, ParentType, ContextType, Partial<QueryApiKeysArgs>>;
  auditEvents?: Resolver<Maybe<ResolversTypes['AuditEventConnection']>, ParentType, ContextType, Partial<QueryAuditEventsArgs>>;
  gateway?: Resolver<Maybe<ResolversTypes['Gateway']>, ParentType, ContextType, RequireFields<QueryGatewayArgs, 'id'>>;
  gateways?: Resolver<Maybe<ResolversTypes['GatewayConnection']>, ParentType, ContextType, Partial<QueryGatewaysArgs>>;
  issuers?: Resolver<Maybe<ResolversTypes['IssuerConnection']>, ParentType, ContextType, Partial<QueryIssuersArgs>>;
  me?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
  organization?: Resolver<Maybe<ResolversTypes['Organization']>, ParentType, ContextType>;
  platform?: Resolver<Maybe<ResolversTypes['Platform']>, ParentType, ContextType>;
  principal?: Resolver<ResolversTypes['Principal'], ParentType, ContextType>;
  project?: Resolver<Maybe<ResolversTypes['Project']>, ParentType, ContextType, RequireFields<QueryProjectArgs, 'id'>>;
  projects?: Resolver<Maybe<ResolversTypes['ProjectConnection']>, ParentType, ContextType, Partial<QueryProjectsArgs>>;
};

export type RegisterIssuerPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RegisterIssuerPayload'] = ResolversParentTypes['RegisterIssuerPayload']> = {
  issuer?: Resolver<ResolversTypes['Issuer'], ParentType, ContextType>;
};

export type ReinstateOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['ReinstateOrganizationPayload'] = ResolversParentTypes['ReinstateOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type RemoveMemberPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RemoveMemberPayload'] = ResolversParentTypes['RemoveMemberPayload']> = {
  membership?: Resolver<ResolversTypes['Membership'], ParentType, ContextType>;
};

export type RevokeApiKeyPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RevokeApiKeyPayload'] = ResolversParentTypes['RevokeApiKeyPayload']> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
};

export type RevokeSessionPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RevokeSessionPayload'] = ResolversParentTypes['RevokeSessionPayload']> = {
  session?: Resolver<ResolversTypes['Session'], ParentType, ContextType>;
};

export type RotateApiKeyPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RotateApiKeyPayload'] = ResolversParentTypes['RotateApiKeyPayload']> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
  previous?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
  secret?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export interface ScopeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Scope'], any> {
  name: 'Scope';
}

export type SessionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Session'] = ResolversParentTypes['Session']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  isCurrent?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  lastUsedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  userAgent?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type SetOperatorPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SetOperatorPayload'] = ResolversParentTypes['SetOperatorPayload']> = {
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type SetOrganizationExternalIdPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SetOrganizationExternalIdPayload'] = ResolversParentTypes['SetOrganizationExternalIdPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type SuspendOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SuspendOrganizationPayload'] = ResolversParentTypes['SuspendOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type UpdateApiKeyPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UpdateApiKeyPayload'] = ResolversParentTypes['UpdateApiKeyPayload']> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
};

export type UpdateGatewayPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UpdateGatewayPayload'] = ResolversParentTypes['UpdateGatewayPayload']> = {
  gateway?: Resolver<ResolversTypes['Gateway'], ParentType, ContextType>;
};

export type UpdateOrganizationPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UpdateOrganizationPayload'] = ResolversParentTypes['UpdateOrganizationPayload']> = {
  organization?: Resolver<ResolversTypes['Organization'], ParentType, ContextType>;
};

export type UpdateProjectPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UpdateProjectPayload'] = ResolversParentTypes['UpdateProjectPayload']> = {
  project?: Resolver<ResolversTypes['Project'], ParentType, ContextType>;
};

export type UserResolvers<ContextType = Context, ParentType extends ResolversParentTypes['User'] = ResolversParentTypes['User']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  email?: Resolver<ResolversTypes['EmailAddress'], ParentType, ContextType>;
  firstName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  isActive?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  isOperator?: Resolver<Maybe<ResolversTypes['Boolean']>, ParentType, ContextType>;
  lastLoginAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  lastName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  memberships?: Resolver<Maybe<Array<ResolversTypes['Membership']>>, ParentType, ContextType>;
  sessions?: Resolver<Maybe<Array<ResolversTypes['Session']>>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type UserConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UserConnection'] = ResolversParentTypes['UserConnection']> = {
  edges?: Resolver<Array<ResolversTypes['UserEdge']>, ParentType, ContextType>;
  nodes?: Resolver<Array<ResolversTypes['User']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type UserEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UserEdge'] = ResolversParentTypes['UserEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  ActivateUserPayload?: ActivateUserPayloadResolvers<ContextType>;
  AddMemberPayload?: AddMemberPayloadResolvers<ContextType>;
  ApiKey?: ApiKeyResolvers<ContextType>;
  ApiKeyConnection?: ApiKeyConnectionResolvers<ContextType>;
  ApiKeyEdge?: ApiKeyEdgeResolvers<ContextType>;
  AuditEvent?: AuditEventResolvers<ContextType>;
  AuditEventConnection?: AuditEventConnectionResolvers<ContextType>;
  AuditEventEdge?: AuditEventEdgeResolvers<ContextType>;
  AuthPayload?: AuthPayloadResolvers<ContextType>;
  ChangeMemberRolePayload?: ChangeMemberRolePayloadResolvers<ContextType>;
  CreateApiKeyPayload?: CreateApiKeyPayloadResolvers<ContextType>;
  CreateGatewayPayload?: CreateGatewayPayloadResolvers<ContextType>;
  CreateOrganizationPayload?: CreateOrganizationPayloadResolvers<ContextType>;
  CreateProjectPayload?: CreateProjectPayloadResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  DeactivateUserPayload?: DeactivateUserPayloadResolvers<ContextType>;
  DeleteGatewayPayload?: DeleteGatewayPayloadResolvers<ContextType>;
  DeleteOrganizationPayload?: DeleteOrganizationPayloadResolvers<ContextType>;
  DeleteProjectPayload?: DeleteProjectPayloadResolvers<ContextType>;
  DisableIssuerPayload?: DisableIssuerPayloadResolvers<ContextType>;
  EmailAddress?: GraphQLScalarType;
  ExternalClaims?: ExternalClaimsResolvers<ContextType>;
  Gateway?: GatewayResolvers<ContextType>;
  GatewayConnection?: GatewayConnectionResolvers<ContextType>;
  GatewayEdge?: GatewayEdgeResolvers<ContextType>;
  Issuer?: IssuerResolvers<ContextType>;
  IssuerConnection?: IssuerConnectionResolvers<ContextType>;
  IssuerEdge?: IssuerEdgeResolvers<ContextType>;
  IssuerScope?: IssuerScopeResolvers<ContextType>;
  LeaveOrganizationPayload?: LeaveOrganizationPayloadResolvers<ContextType>;
  LogoutPayload?: LogoutPayloadResolvers<ContextType>;
  Membership?: MembershipResolvers<ContextType>;
  MembershipConnection?: MembershipConnectionResolvers<ContextType>;
  MembershipEdge?: MembershipEdgeResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Node?: NodeResolvers<ContextType>;
  Organization?: OrganizationResolvers<ContextType>;
  OrganizationConnection?: OrganizationConnectionResolvers<ContextType>;
  OrganizationEdge?: OrganizationEdgeResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Platform?: PlatformResolvers<ContextType>;
  PlatformAuditEvent?: PlatformAuditEventResolvers<ContextType>;
  PlatformAuditEventConnection?: PlatformAuditEventConnectionResolvers<ContextType>;
  PlatformAuditEventEdge?: PlatformAuditEventEdgeResolvers<ContextType>;
  Principal?: PrincipalResolvers<ContextType>;
  Project?: ProjectResolvers<ContextType>;
  ProjectConnection?: ProjectConnectionResolvers<ContextType>;
  ProjectEdge?: ProjectEdgeResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  RegisterIssuerPayload?: RegisterIssuerPayloadResolvers<ContextType>;
  ReinstateOrganizationPayload?: ReinstateOrganizationPayloadResolvers<ContextType>;
  RemoveMemberPayload?: RemoveMemberPayloadResolvers<ContextType>;
  RevokeApiKeyPayload?: RevokeApiKeyPayloadResolvers<ContextType>;
  RevokeSessionPayload?: RevokeSessionPayloadResolvers<ContextType>;
  RotateApiKeyPayload?: RotateApiKeyPayloadResolvers<ContextType>;
  Scope?: GraphQLScalarType;
  Session?: SessionResolvers<ContextType>;
  SetOperatorPayload?: SetOperatorPayloadResolvers<ContextType>;
  SetOrganizationExternalIdPayload?: SetOrganizationExternalIdPayloadResolvers<ContextType>;
  SuspendOrganizationPayload?: SuspendOrganizationPayloadResolvers<ContextType>;
  UpdateApiKeyPayload?: UpdateApiKeyPayloadResolvers<ContextType>;
  UpdateGatewayPayload?: UpdateGatewayPayloadResolvers<ContextType>;
  UpdateOrganizationPayload?: UpdateOrganizationPayloadResolvers<ContextType>;
  UpdateProjectPayload?: UpdateProjectPayloadResolvers<ContextType>;
  User?: UserResolvers<ContextType>;
  UserConnection?: UserConnectionResolvers<ContextType>;
  UserEdge?: UserEdgeResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = Context> = {
  auth?: AuthDirectiveResolver<any, any, ContextType>;
  cost?: CostDirectiveResolver<any, any, ContextType>;
  listSize?: ListSizeDirectiveResolver<any, any, ContextType>;
  public?: PublicDirectiveResolver<any, any, ContextType>;
  role?: RoleDirectiveResolver<any, any, ContextType>;
  scope?: ScopeDirectiveResolver<any, any, ContextType>;
};
