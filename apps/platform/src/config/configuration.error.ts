import { StartError } from '../start/start.error.js';

/** Variables of the environment that are missing or wrong. */
export class ConfigurationError extends StartError {
  /** @param complaints one line for each variable, beginning with its name */
  constructor(readonly complaints: readonly string[]) {
    super(complaints.join('\n'));
  }
}
