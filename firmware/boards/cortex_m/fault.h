// What stops the program, and where: kept over the reset that follows, and told in a log line by the next start.
#pragma once

// Tells, once, of the fault that led to this start. Before anything that could fail again.
void fault_report(void);
