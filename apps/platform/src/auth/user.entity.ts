import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Central: a person exists once, however many tenants they belong to. */
@Entity('users')
export class User {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  /** In lower case, which the table checks. */
  @Column('text')
  email: string;

  @Column('text', { name: 'password_hash' })
  passwordHash: string;

  /** Runs the platform itself; needs no membership. */
  @Column('boolean', { name: 'is_operator' })
  isOperator: boolean;
}
