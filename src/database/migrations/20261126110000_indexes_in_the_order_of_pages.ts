import { Migration } from '@mikro-orm/migrations'

const statements = [
  `create index "gateways_organization_id_project_id_id_index" on "gateways" ("organization_id", "project_id", "id")`,
  `create index "gateways_organization_id_project_id_name_id_index" on "gateways" ("organization_id", "project_id", "name", "id")`,
]

/** Each page of a project's gateways is a walk through an index, in whichever order it is asked for. */
export class IndexesInTheOrderOfPages extends Migration {
  override up(): void {
    for (const statement of statements) this.addSql(statement)
  }
}
