# PoCluster.pm: what tests that crash a server share.
package PoCluster;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;
our @EXPORT = qw(answer connects crash kill_server takes_connections);

# Says whether a node's server takes a connection, of the superuser or another role, and what psql says.  The statement is an
# argument of psql: one that is refused before it has read its input breaks the pipe that PostgreSQL::Test::Cluster writes to.
sub connects
{
	my ($node, $role) = @_;
	my @user = defined $role ? ('-U', $role) : ();
	my $said;
	my $connected = IPC::Run::run([ 'psql', '-X', '-q', '-o', '/dev/null', '-d', $node->connstr('postgres'), @user, '-c', 'SELECT 1' ], '2>', \$said);
	return wantarray ? ($connected, $said) : $connected;
}

# Waits until a node's server takes connections again; false after three minutes.
sub takes_connections
{
	my ($node) = @_;
	for (1 .. 1800)
	{
		return 1 if connects($node);
		select undef, undef, undef, 0.1;
	}
	return 0;
}

# Kills processes of a node's server, which makes it end all others and start anew, and waits until that has happened: for a
# moment after the kill it still takes connections.  False when it does not come back.
sub crash
{
	my ($node, @pids) = @_;
	my $seen = -s $node->logfile;
	if (kill 'KILL', @pids)
	{
		for (1 .. 600)
		{
			last if slurp_file($node->logfile, $seen) =~ /all server processes terminated; reinitializing/;
			select undef, undef, undef, 0.1;
		}
	}
	return takes_connections($node);
}

# What a background session answers to a query.  Older minor releases leave the last line's end and their own mark in it.
sub answer
{
	my ($session, $query) = @_;
	my $answer = $session->query_safe($query);
	$answer =~ s/^background_psql: QUERY_SEPARATOR.*\n//mg;
	chomp $answer;
	return $answer;
}

# Kills a node's server and all its backends, as a failure of the machine would, and waits until they are gone.
sub kill_server
{
	my ($node) = @_;
	my $postmaster = $node->{_pid};
	# Stopped, it starts no backend that would wait for ever for a lock of one that was killed.
	kill 'STOP', $postmaster;
	my @backends = map { /^\s*(\d+)\s+$postmaster\s*$/ ? $1 : () } `ps -A -o pid= -o ppid=`;
	$node->kill9;
	kill 'KILL', @backends;
	for (1 .. 1500)
	{
		last unless kill 0, $postmaster, @backends;
		select undef, undef, undef, 0.02;
	}
	return;
}

1;
