import { Column } from 'typeorm';

/**
 * Base of entities whose tables are guarded (see `guardTable`). The column belongs to the database: it is never written
 * from here, and read only when asked for by name.
 *
 * @example
 * \@Entity('orders')
 * export class Order extends TenantOwned { … }
 *
 * repository.find({ select: { id: true, tenantId: true } });
 */
export abstract class TenantOwned {
  @Column({ type: 'uuid', name: 'tenant_id', select: false, insert: false, update: false })
  readonly tenantId?: string;
}
