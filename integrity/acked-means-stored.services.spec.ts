import { Deployment } from './support/deployment.js';
import { describeAckedMeansStored } from './support/promises/acked-means-stored.js';

/** Gateway, processors and operator API in turn; CI kills more often than a developer wants to wait for. */
describeAckedMeansStored(() => Deployment.distributed(), process.env['CI'] ? 18 : 6);
