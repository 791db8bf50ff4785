import { existsSync } from 'node:fs'
import js from '@eslint/js'
import graphql from '@graphql-eslint/eslint-plugin'
import { defineConfig, globalIgnores } from 'eslint/config'
import ts from 'typescript-eslint'

/** The types of what we are compared with come with bench's own packages. */
const benchIsInstalled = existsSync(`${import.meta.dirname}/bench/node_modules`)

const sources = ['src/**/*.ts']
const tests = ['test/**/*.ts']
const bench = ['bench/**/*.ts']

/** The programs that a person starts: they may write to the terminal and read what the shell gives them. */
const programs = [
  'src/main.ts',
  'src/demo.ts',
  'src/migrate.ts',
  'src/keys.ts',
  'src/operator.ts',
  'src/signing-keys-command.ts',
  'src/access/print-matrix.ts',
  'src/database/check-*.ts',
]

const environment = {
  object: 'process',
  property: 'env',
  message: 'config.ts reads the environment, once; take the setting from the config.',
}
const tenantDoors = [
  {
    selector: 'Property[key.name="filters"][value.value=false]',
    message: 'A second door to rows: src/database/tenancy.ts has the named ways across.',
  },
  {
    selector: 'Property[key.name="filters"] Property[key.name="tenant"][value.type!="ObjectExpression"]',
    message: 'A second door to rows: src/database/tenancy.ts has the named ways across.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(setFilterParams|addFilter|setSessionContext)$/]',
    message: 'A second door to rows: src/database/tenancy.ts sets the tenant.',
  },
]

/** The SDL's words: PascalCase types, camelCase fields, SCREAMING_SNAKE values; times end in At. */
const graphqlNames = {
  types: 'PascalCase',
  FieldDefinition: 'camelCase',
  InputValueDefinition: 'camelCase',
  DirectiveDefinition: 'camelCase',
  EnumValueDefinition: 'UPPER_CASE',
  'FieldDefinition[gqlType.name.value=DateTime]': { requiredSuffixes: ['At'] },
  'FieldDefinition[gqlType.gqlType.name.value=DateTime]': { requiredSuffixes: ['At'] },
  'FieldDefinition[parent.name.value=Query]': { forbiddenPrefixes: ['query', 'get', 'list'] },
  'FieldDefinition[parent.name.value=Mutation]': { forbiddenSuffixes: ['Mutation'] },
  InputObjectTypeDefinition: { requiredPattern: /(Input|Filter|Order)$/ },
}

export default defineConfig(
  globalIgnores([
    'src/generated/',
    'coverage/',
    '.data/',
    '.stryker-tmp/',
    'node_modules/',
    ...(benchIsInstalled ? [] : ['bench/']),
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: { process: 'readonly' } },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs', globals: { module: 'writable' } } },
  {
    files: [...sources, ...tests, ...bench, 'scripts/**/*.ts'],
    extends: [js.configs.recommended, ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // What GraphQL leaves out is undefined, what it is given as null is null: `== null` asks for both.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off',
      'object-shorthand': 'error',
      'prefer-template': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      // `import { type X }` alone still loads the file at run time: types are stripped, the import stays.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A service is async because the next one is: an async function without an await is no mistake.
      '@typescript-eslint/require-await': 'off',
      // A function that does nothing on purpose says so by being empty.
      '@typescript-eslint/no-empty-function': 'off',
      // Overflows the stack on recursive types (8.73.0).
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `void promise` and handlers that answer with an arrow's value are readable as they are.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
    },
  },
  {
    files: sources,
    rules: {
      'no-console': 'error',
      'no-restricted-properties': ['error', environment],
      'no-restricted-syntax': ['error', ...tenantDoors],
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: bench,
    rules: {
      'max-lines': ['error', 250],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
    },
  },
  { files: ['src/config.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['src/database/tenancy.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: programs, rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      'max-lines': ['error', 400],
      // A test states what it expects; where that is wrong, the test fails, which is what a test is for.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Tests probe what the types forbid, and what a compiler calls needless is there to be proved.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // The data of an answer has the shape of its query, which no type says; `expect` looks at what is there.
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['schema/**/*.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema/**/*.graphql' } },
    },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      '@graphql-eslint/description-style': ['error', { style: 'inline' }],
      '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
      '@graphql-eslint/naming-convention': ['error', graphqlNames],
      '@graphql-eslint/relay-arguments': 'error',
      '@graphql-eslint/relay-connection-types': 'error',
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/relay-page-info': 'error',
      // Every directive explains itself; a type or field does where its name leaves something to be said.
      '@graphql-eslint/require-description': ['error', { DirectiveDefinition: true }],
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            types: ['ExternalClaims', 'IssuerScope', 'PageInfo', 'Platform', 'Principal'],
            suffixes: ['Payload', 'Edge', 'Connection'],
          },
        },
      ],
      '@graphql-eslint/unique-input-field-names': 'error',
    },
  },
  // ErrorCode is what `extensions.code` holds: no field returns it, and generated clients switch on it.
  { files: ['schema/common.graphql'], rules: { '@graphql-eslint/no-unreachable-types': 'off' } },
)
