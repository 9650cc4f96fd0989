import type { TenantRecord } from '@tenantry/core';
import { InMemoryTenantStore } from '@tenantry/core/testing';

/** Remembers what it was asked for. */
export class RecordingStore extends InMemoryTenantStore {
  readonly asked: string[] = [];

  override findById(id: string): Promise<TenantRecord | undefined> {
    this.asked.push(id);
    return super.findById(id);
  }

  override findBySlug(slug: string): Promise<TenantRecord | undefined> {
    this.asked.push(slug);
    return super.findBySlug(slug);
  }

  override findByDomain(domain: string): Promise<TenantRecord | undefined> {
    this.asked.push(domain);
    return super.findByDomain(domain);
  }
}
