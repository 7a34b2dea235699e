import { Deployment } from './support/deployment.js';
import { describeQosKeepsItsWord } from './support/promises/qos-keeps-its-word.js';

describeQosKeepsItsWord(() => Deployment.distributed());
