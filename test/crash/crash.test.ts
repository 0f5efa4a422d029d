// One file, since all of them compare with the same uninterrupted runs; the work is done by the processes they start.
import './points.js';
import './random-kills.js';
import './resume.js';
import './queues.js';
import './ownership.js';
import './single-flight.js';
