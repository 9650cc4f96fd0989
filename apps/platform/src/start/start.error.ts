/** A start that cannot succeed for a reason its user can mend: the message says it all, a stack would only hide it. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}
