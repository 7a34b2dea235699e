import { Deployment } from './support/deployment.js';
import { describeAlertsMatchOffline } from './support/promises/alerts-match-offline.js';

describeAlertsMatchOffline((settings) => Deployment.distributed(settings), 5);
