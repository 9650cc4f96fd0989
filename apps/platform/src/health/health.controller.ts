import { Controller, Get, ServiceUnavailableException } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '@tenantry/core';
import { z } from 'zod';
import { ApiErrors } from '../openapi/api-errors.decorator.js';
import { DatabaseProbe } from '../tenancy/database-probe.js';

const live = z.object({ status: z.literal('ok') }).meta({ id: 'Live' });
const ready = z
  .object({ status: z.literal('ok'), details: z.object({ database: z.object({ status: z.literal('up') }) }) })
  .meta({ id: 'Ready' });

@Public()
@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly database: DatabaseProbe) {}

  @Get('live')
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse({ standardSchema: live })
  getLive(): z.infer<typeof live> {
    return { status: 'ok' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'The process can do its work: the database answers' })
  @ApiOkResponse({ standardSchema: ready })
  @ApiErrors(503)
  async getReady(): Promise<z.infer<typeof ready>> {
    if (await this.database.isUp()) return { status: 'ok', details: { database: { status: 'up' } } };
    throw new ServiceUnavailableException({
      code: 'NOT_READY',
      message: 'The database does not answer.',
      details: { database: { status: 'down' } },
    });
  }
}
