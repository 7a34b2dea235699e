import { Deployment } from './support/deployment.js';
import { describeSessionSurvivesRestart } from './support/promises/session-survives-restart.js';

describeSessionSurvivesRestart(() => Deployment.embedded());
