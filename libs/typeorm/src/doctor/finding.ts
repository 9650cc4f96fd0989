/** Stable names of what can be wrong; part of the public contract. */
export type IsolationCode =
  | 'LOGIN_ATTRIBUTES'
  | 'LOGIN_INHERITS'
  | 'LOGIN_PREDEFINED_ROLES'
  | 'LOGIN_OWNS_OBJECTS'
  | 'LOGIN_CREATES_IN_DATABASE'
  | 'LOGIN_CREATES_TEMPORARY'
  | 'SET_CONFIG_PUBLIC'
  | 'LANGUAGE_PUBLIC'
  | 'SHARED_SCHEMA_WRITABLE'
  | 'TENANT_SCHEMA_WRITABLE'
  | 'UNBOUND_SCHEMA_EXISTS'
  | 'TABLE_IN_EXTENSION_SCHEMA'
  | 'TABLE_IN_CENTRAL_AND_TENANT'
  | 'FUNCTION_SETS_ROLE'
  | 'FUNCTION_CHANGES_SESSION'
  | 'DEFINER_WITHOUT_PATH'
  | 'SETTINGS_DRIFT'
  | 'SESSION_STARTS_AS_ANOTHER'
  | 'SESSION_STARTS_BOUND'
  | 'POOLER_PER_TRANSACTION'
  | 'POOLER_IN_FRONT'
  | 'SERVER_OUTDATED'
  | 'DISCONNECT_UNNOTICED'
  | 'TENANT_ROLE_POWERS'
  | 'SCHEMA_OPEN_TO_OTHERS'
  | 'TABLE_OPEN_TO_PUBLIC'
  | 'REFERENCE_TO_OTHER_TENANT'
  | 'REFERENCE_OUT_OF_TENANT';

/** One way around the isolation of tenants, with what closes it. */
export interface IsolationFinding {
  readonly code: IsolationCode;
  /** `breaks`: the application does not start; `weakens`: it starts, and says so. */
  readonly severity: 'breaks' | 'weakens';
  readonly what: string;
  /** SQL wherever SQL can mend it. */
  readonly remedy: string;
}
