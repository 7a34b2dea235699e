import { Deployment } from './support/deployment.js';
import { describeAckedMeansStored } from './support/promises/acked-means-stored.js';

/** CI kills more often than a developer wants to wait for. */
describeAckedMeansStored(() => Deployment.embedded(), process.env['CI'] ? 20 : 5);
