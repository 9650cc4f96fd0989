import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '@tenantry/core';
import { ApiErrors } from '../openapi/api-errors.decorator.js';
import type { AccessToken } from './access-tokens.js';
import { accessToken, credentials, type Credentials } from './auth.schemas.js';
import { SignIn } from './sign-in.js';

@Public()
@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly signIn: SignIn) {}

  @Post('token')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Exchange credentials for an access token' })
  @ApiOkResponse({ standardSchema: accessToken })
  @ApiErrors(400, 401)
  createToken(@Body({ schema: credentials }) body: Credentials): Promise<AccessToken> {
    return this.signIn.signIn(body);
  }
}
