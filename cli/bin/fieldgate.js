#!/usr/bin/env node
// Committed and executable, so that `npx fieldgate` finds it before the first build has made dist.
import '../dist/fieldgate.js';
