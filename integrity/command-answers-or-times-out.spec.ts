import { Deployment } from './support/deployment.js';
import { describeCommands } from './support/promises/command-answers-or-times-out.js';

describeCommands(() => Deployment.embedded());
