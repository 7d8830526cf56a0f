// SPDX-License-Identifier: MIT
// Writes files by the streams of C++: ofstream SOURCE LINES
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

static void write_text(int lines)
{
	std::ofstream text("text");
	for (int i = 0; i < lines; i++)
		text << std::setw(8) << i << ' ' << i / 7.0 << (i % 10 ? "\n" : "\nten\n");
	text << std::flush;
	text << "after the flush" << std::endl;
	std::ofstream("text", std::ios::app) << "appended\n";
	std::wofstream("wide") << L"wide " << lines;
}

static void write_blocks(int lines)
{
	std::string block(100000, 'b');
	std::ofstream large("large", std::ios::binary);
	for (int i = 0; i < lines / 1000 + 1; i++)
		large.write(block.data(), block.size()).put('|');
	large.close();
	std::vector<char> buffer(1 << 16);
	std::ofstream unbuffered, buffered;
	unbuffered.rdbuf()->pubsetbuf(nullptr, 0);
	buffered.rdbuf()->pubsetbuf(buffer.data(), buffer.size());
	unbuffered.open("unbuffered");
	buffered.open("buffered");
	for (int i = 0; i < 100; i++) {
		unbuffered << i;
		buffered << i;
	}
}

static void write_over()
{
	std::fstream both("large", std::ios::in | std::ios::out | std::ios::binary);
	std::string word(10, ' ');
	both.seekp(5000) << "in the middle";
	both.seekg(5003).read(word.data(), word.size());
	both.seekp(0, std::ios::end) << word;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	write_text(std::stoi(argv[2]));
	write_blocks(std::stoi(argv[2]));
	write_over();
	std::filesystem::copy_file(argv[1], "copied");
	std::filesystem::copy_file("large", "copied_here");
	std::filesystem::resize_file("copied_here", 12345);
	std::filesystem::rename("copied_here", "renamed");
	// Standard output is a file too.
	std::cout << "done: " << std::filesystem::file_size("text") << std::endl;
	return std::cout ? 0 : 1;
}
