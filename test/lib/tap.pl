#!/usr/bin/perl
# tap.pl [--exec COMMAND] FILE...: runs TAP programs, TAP_JOBS (1) at a time, shows what failed, and appends "passed failed"
# to the file that the environment variable COUNTS names.
use strict;
use warnings;
use TAP::Harness;

my %options = (verbosity => 0, failures => 1, comments => 1, merge => 1, jobs => $ENV{TAP_JOBS} || 1);
if (@ARGV && $ARGV[0] eq '--exec')
{
	shift;
	$options{exec} = [ shift // die "--exec needs a command\n" ];
}
else
{
	$options{exec} = [$^X];
}
my $result = eval { TAP::Harness->new(\%options)->runtests(@ARGV) };
if (!$result)
{
	# A file bailed out: the rest did not run.
	print STDOUT $@;
	count(0, 1);
	exit 1;
}

# A file that broke off or miscounted is one failure more than its own tests tell.
my $broken = grep {
	my ($parser) = $result->parsers($_);
	$parser->parse_errors || $parser->exit || $parser->wait
} @ARGV;
my $failed = $result->failed + $broken;
count(scalar($result->passed), $failed);
exit($failed ? 1 : 0);

# Notes how many tests passed and failed.
sub count
{
	my ($passed, $failures) = @_;
	open(my $counts, '>>', $ENV{COUNTS}) or die "$ENV{COUNTS}: $!\n";
	print $counts "$passed $failures\n";
	close $counts;
}
