import 'reflect-metadata';
import { DEW_POINT, DewPointController } from './dew-point.controller.js';
import { runProcessor } from './run-processor.js';

await runProcessor({ ...DEW_POINT, controllers: [DewPointController] });
