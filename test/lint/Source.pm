# Source.pm: what the checks know of C and SQL text.
package Source;
use strict;
use warnings;
use Exporter 'import';
use File::Find;
our @EXPORT = qw(files slurp blank_c functions statements complain finish);

my $complaints = 0;

# The files under a folder whose names end so, sorted.
sub files
{
	my ($folder, $suffix) = @_;
	my @found;
	find({ wanted => sub { push @found, $_ if -f && /\Q$suffix\E$/ }, no_chdir => 1 }, $folder) if -d $folder;
	return sort @found;
}

# The text of a file.
sub slurp
{
	my ($path) = @_;
	open(my $in, '<', $path) or die "$path: $!\n";
	local $/;
	my $text = <$in>;
	return defined $text ? $text : '';
}

# C text with comments and the contents of strings blanked, lines and columns kept.
sub blank_c
{
	my ($text) = @_;
	my $blank = sub { my $s = shift; $s =~ s/[^\n]/ /g; $s };
	$text =~ s{(/\*.*?\*/|//[^\n]*)|"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'}
	          {defined $1 ? $blank->($1) : defined $2 ? '"' . $blank->($2) . '"' : "'" . $blank->($3) . "'"}gse;
	return $text;
}

# The function definitions of C text in the project's layout: name, first line, lines of the body, whether a comment is above.
sub functions
{
	my ($text) = @_;
	my $code = blank_c($text);
	my @lines = split /\n/, $text, -1;
	my @functions;
	while ($code =~ /^([A-Za-z_]\w*)\(([^;{}]*?)\)[ \t]*\n\{\n(.*?)^\}/gms)
	{
		my ($name, $body) = ($1, $3);
		my $line = (substr($code, 0, $-[0]) =~ tr/\n//) + 1;
		my $above = $line - 2;    # index of the line before the name: the type
		$above-- while $above > 0 && $lines[$above] !~ m{\*/\s*$} && $lines[$above] =~ /\S/;
		push @functions, {
			name => $name, line => $line, length => ($body =~ tr/\n//),
			comment => scalar($above >= 0 && $lines[$above] =~ m{\*/\s*$}) };
	}
	return @functions;
}

# The statements of an SQL script without comments, bodies between dollar quotes emptied.
sub statements
{
	my ($text) = @_;
	$text =~ s{(\$(\w*)\$.*?\$\2\$)|('(?:[^']|'')*')|(--[^\n]*|/\*.*?\*/)}{defined $1 ? '$$$$' : defined $3 ? $3 : ' '}gse;
	$text =~ s/^\\.*$//gm;
	my @out;
	while ($text =~ /((?:'(?:[^']|'')*'|[^';])+);/g)
	{
		my $statement = $1;
		$statement =~ s/^\s+|\s+$//g;
		$statement =~ s/\s+/ /g;
		push @out, $statement;
	}
	return @out;
}

# Reports one breach.
sub complain
{
	print @_, "\n";
	$complaints++;
}

# Ends the check.
sub finish
{
	exit($complaints ? 1 : 0);
}

1;
