/// Guesses what a file is that is no checkpoint, so that the message can say what to do.
enum FileKind {
    static func isKnown(_ bytes: UnsafeRawBufferPointer) -> Bool { known(bytes) != nil }

    static func describe(_ bytes: UnsafeRawBufferPointer) -> String {
        known(bytes)
            ?? "is of an unknown format; a torch.save file (legacy or zip) or safetensors is expected"
    }

    private static func known(_ bytes: UnsafeRawBufferPointer) -> String? {
        if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
            return
                "is a real tar archive: unpack it and use the file inside (published *.pth.tar files are no "
                + "tars, and torch's own tar format of 2017 is not read: load and save it again with a newer "
                + "torch)"
        }
        if bytes.starts(with: [0x1F, 0x8B]) { return "is compressed with gzip: unpack it first" }
        if bytes.starts(with: "version https://git-lfs".utf8) {
            return "is a Git LFS pointer, not the file itself: fetch the content with `git lfs pull`"
        }
        if bytes.starts(with: "<".utf8), !SafetensorsFile.matches(bytes) {
            return "is a web page, not a checkpoint: the download failed, repeat it"
        }
        if bytes.starts(with: [0x80, 0x02]), !SafetensorsFile.matches(bytes) {
            return "is a pickle, but neither of torch.save's formats"
        }
        return nil
    }
}
