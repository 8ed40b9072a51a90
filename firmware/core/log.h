// Lines for humans, each in a frame of its own, so that what a library has to say cannot damage the stream of replies.
#pragma once

// Sends one line of text without a newline, cut at the protocol's TEXT_LIMIT. Not while another frame is being sent.
void log_send(const char *text);
