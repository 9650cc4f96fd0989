import { setImmediate as immediate } from 'node:timers/promises';
import {
  Catch,
  Controller,
  Get,
  Injectable,
  Post,
  Body,
  Query,
  UseFilters,
  UseGuards,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { TenantContext } from '@tenantry/core';
import { map, mergeMap, type Observable } from 'rxjs';

const slug = () => TenantContext.current()?.slug;

/** What each part of a request's way saw, kept with the request. */
type Observed = Record<string, unknown>;
const observations = new WeakMap<object, Observed>();
const observed = (context: ExecutionContext | ArgumentsHost): Observed => {
  const request = context.switchToHttp().getRequest<object>();
  const known = observations.get(request) ?? {};
  observations.set(request, known);
  return known;
};

@Injectable()
export class ObservingGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    observed(context)['guard'] = slug();
    await immediate();
    observed(context)['guardAfterAwait'] = slug();
    return true;
  }
}

@Injectable()
export class ObservingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const seen = observed(context);
    seen['interceptor'] = slug();
    return next.handle().pipe(
      mergeMap(async (handler: object) => {
        await immediate();
        return handler;
      }),
      map((handler: object) => ({ ...seen, ...handler, interceptorAfter: slug() })),
    );
  }
}

@Injectable()
export class ObservingPipe implements PipeTransform {
  async transform(value: unknown): Promise<unknown> {
    await immediate();
    return { value, pipe: slug() };
  }
}

@Catch()
export class ObservingFilter implements ExceptionFilter {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  async catch(_: unknown, host: ArgumentsHost): Promise<void> {
    const before = slug();
    await immediate();
    const body = { ...observed(host), filter: before, filterAfterAwait: slug() };
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, 418);
  }
}

async function handled() {
  const handler = slug();
  await immediate();
  return { handler, handlerAfterAwait: slug() };
}

@Controller('observe')
@UseGuards(ObservingGuard)
@UseInterceptors(ObservingInterceptor)
export class ObservingController {
  @Get()
  async get(@Query(ObservingPipe) { pipe }: { pipe: unknown }) {
    return { pipe, ...(await handled()) };
  }

  @Post()
  async post(@Body(ObservingPipe) { pipe, value }: { pipe: unknown; value: { text: string } }) {
    return { pipe, length: value.text.length, ...(await handled()) };
  }

  @Get('failure')
  @UseFilters(ObservingFilter)
  fail() {
    throw new Error('on purpose');
  }
}
