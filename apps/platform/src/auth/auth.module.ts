import { Module, type DynamicModule } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ACCESS_TOKEN_SECONDS, AccessTokens } from './access-tokens.js';
import { AuthController } from './auth.controller.js';
import { MeController } from './me.controller.js';
import { Membership } from './membership.entity.js';
import { SignIn } from './sign-in.js';
import { User } from './user.entity.js';
import { Users } from './users.js';

export interface AuthOptions {
  /** Of at least 32 bytes; the same that tokens are verified with. */
  readonly secret: string;
  readonly issuer: string;
  readonly audience: string;
}

/** Stands in for an identity provider: users, their memberships, and tokens for them. */
@Module({})
export class AuthModule {
  static forRoot({ secret, issuer, audience }: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      imports: [
        TypeOrmModule.forFeature([User, Membership]),
        JwtModule.register({
          secret,
          signOptions: { algorithm: 'HS256', issuer, audience, expiresIn: ACCESS_TOKEN_SECONDS },
        }),
      ],
      controllers: [AuthController, MeController],
      providers: [Users, SignIn, AccessTokens],
    };
  }
}
