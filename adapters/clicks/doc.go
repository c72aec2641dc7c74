// Package clicks follows clicks on referral links.
//
// # The way of a click
//
// A request for a link is answered from memory: Links holds what each code leads
// to, and follows the read model. The click gets an id, which names its place in
// the spool, and which the visitor's browser keeps, signed, as a cookie.
//
// The Spool is files in the data folder. A click is in memory for the sync
// interval at most, and then in a file that has been synced: what was answered
// longer ago than that survives kill -9 and the loss of power. When the files have
// reached their bound, the redirect goes on, and clicks are counted as lost.
//
// A segment is the clicks of some seconds. The Recorder judges it some seconds
// later, because the HEAD requests that give a program away come after its GET, and
// then has it recorded as one event in a stream of its own. A segment that was
// recorded is deleted; one that was not, because the store or the database did not
// answer or the process died, is tried again, also by the next process. The stream
// is that of the segment, so that nothing is recorded twice.
//
// # Visitors
//
// Addresses are stored nowhere. A visitor is known by a hash of address, agent and
// link with a salt of the UTC day; the salts are shared by all processes, and are
// destroyed after two days. Who asks not to be tracked, by Sec-GPC or DNT, is
// redirected and nothing else.
package clicks
