/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/fs_kind.h"

#include <linux/magic.h>
#include <stddef.h>

#include "base/base.h"

/*
 * WT_FS_WRITEBACK was measured for each kind: after sync_file_range(2), cachestat(2) shows no page
 * that is dirty or under writeback, and the device has counted the sectors. ext4 with data=journal
 * passes as well; btrfs with compression may only queue the pages. WT_FS_FLUSHES is what
 * ext4_sync_file and xfs_file_fsync do; btrfs_sync_file returns early. On overlayfs sync_file_range
 * does nothing, because the dirty pages belong to the inode of the file system below. FUSE may keep
 * the bytes in its server.
 */
static const struct wt_fs_kind kinds[] = {
	{ EXT4_SUPER_MAGIC,
	  WT_FS_WRITEBACK | WT_FS_FLUSHES | WT_FS_JOURNAL_TRANSACTION | WT_FS_INLINE, "ext4" },
	{ 0x58465342,
	  WT_FS_WRITEBACK | WT_FS_FLUSHES | WT_FS_JOURNAL_TRANSACTION | WT_FS_JOURNAL_STAT, "xfs" },
	{ BTRFS_SUPER_MAGIC,
	  WT_FS_WRITEBACK | WT_FS_DIRECT | WT_FS_QUEUES | WT_FS_ONE_SYNC | WT_FS_EXTENTS |
		  WT_FS_JOURNAL_MOUNT,
	  "btrfs" },
	/* The bytes are kept by the file system below. */
	{ OVERLAYFS_SUPER_MAGIC,
	  WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_STACKED |
		  WT_FS_INLINE,
	  "overlayfs" },
	{ ECRYPTFS_SUPER_MAGIC,
	  WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_STACKED,
	  "ecryptfs" },
	{ 0x61756673,
	  WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_STACKED, "aufs" },
	{ 0x6a656a62,
	  WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_STACKED,
	  "shiftfs" },
	/* The bytes are kept by a server, or by a host: a sync is what that makes of it. */
	{ FUSE_SUPER_MAGIC, WT_FS_SERVED, "fuse" },
	{ NFS_SUPER_MAGIC, WT_FS_SERVED, "nfs" },
	{ SMB_SUPER_MAGIC, WT_FS_SERVED, "smb" },
	{ CIFS_SUPER_MAGIC, WT_FS_SERVED, "cifs" },
	{ SMB2_SUPER_MAGIC, WT_FS_SERVED, "smb2" },
	{ V9FS_MAGIC, WT_FS_SERVED, "9p" },
	{ CEPH_SUPER_MAGIC, WT_FS_SERVED, "ceph" },
	{ AFS_SUPER_MAGIC, WT_FS_SERVED, "afs" },
	{ AFS_FS_MAGIC, WT_FS_SERVED, "afs" },
	{ CODA_SUPER_MAGIC, WT_FS_SERVED, "coda" },
	{ NCP_SUPER_MAGIC, WT_FS_SERVED, "ncp" },
	{ HOSTFS_SUPER_MAGIC, WT_FS_SERVED, "hostfs" },
	{ 0x786f4256, WT_FS_SERVED, "vboxsf" },
	{ 0xbacbacbc, WT_FS_SERVED, "vmhgfs" },
	{ 0x7c7c6673, WT_FS_SERVED, "prl_fs" },
	{ 0x20030528, WT_FS_SERVED, "orangefs" },
	{ 0x0bd00bd0, WT_FS_SERVED, "lustre" },
	{ 0x47504653, WT_FS_SERVED, "gpfs" },
	{ 0x19830326, WT_FS_SERVED, "beegfs" },
	{ 0xaad7aaea, WT_FS_SERVED, "panfs" },
	{ 0x013111a8, WT_FS_SERVED, "ibrix" },
	{ 0xbeefdead, WT_FS_SERVED, "snfs" },
	/* Memory, and what the kernel shows of itself: nothing to keep, most cannot be synced. */
	{ TMPFS_MAGIC, WT_FS_NO_DISK, "tmpfs" },
	{ RAMFS_MAGIC, WT_FS_NO_DISK, "ramfs" },
	{ HUGETLBFS_MAGIC, WT_FS_NO_DISK, "hugetlbfs" },
	{ SECRETMEM_MAGIC, WT_FS_NO_DISK, "secretmem" },
	{ 0x474d454d, WT_FS_NO_DISK, "guest_memfd" },
	{ DEVMEM_MAGIC, WT_FS_NO_DISK, "devmem" },
	{ DMA_BUF_MAGIC, WT_FS_NO_DISK, "dmabuf" },
	{ PROC_SUPER_MAGIC, WT_FS_NO_DISK, "proc" },
	{ SYSFS_MAGIC, WT_FS_NO_DISK, "sysfs" },
	{ CGROUP_SUPER_MAGIC, WT_FS_NO_DISK, "cgroup" },
	{ CGROUP2_SUPER_MAGIC, WT_FS_NO_DISK, "cgroup2" },
	{ RDTGROUP_SUPER_MAGIC, WT_FS_NO_DISK, "resctrl" },
	{ DEBUGFS_MAGIC, WT_FS_NO_DISK, "debugfs" },
	{ TRACEFS_MAGIC, WT_FS_NO_DISK, "tracefs" },
	{ SECURITYFS_MAGIC, WT_FS_NO_DISK, "securityfs" },
	{ SELINUX_MAGIC, WT_FS_NO_DISK, "selinuxfs" },
	{ SMACK_MAGIC, WT_FS_NO_DISK, "smackfs" },
	{ AAFS_MAGIC, WT_FS_NO_DISK, "apparmorfs" },
	{ BPF_FS_MAGIC, WT_FS_NO_DISK, "bpf" },
	{ BINFMTFS_MAGIC, WT_FS_NO_DISK, "binfmt_misc" },
	{ 0x65735543, WT_FS_NO_DISK, "fusectl" },
	{ 0x62656570, WT_FS_NO_DISK, "configfs" },
	{ EFIVARFS_MAGIC, WT_FS_NO_DISK, "efivarfs" },
	{ PSTOREFS_MAGIC, WT_FS_NO_DISK, "pstore" },
	{ DEVPTS_SUPER_MAGIC, WT_FS_NO_DISK, "devpts" },
	{ 0x19800202, WT_FS_NO_DISK, "mqueue" },
	{ AUTOFS_SUPER_MAGIC, WT_FS_NO_DISK, "autofs" },
	{ BINDERFS_SUPER_MAGIC, WT_FS_NO_DISK, "binder" },
	{ 0x67596969, WT_FS_NO_DISK, "rpc_pipefs" },
	{ 0x6e667364, WT_FS_NO_DISK, "nfsd" },
	{ XENFS_SUPER_MAGIC, WT_FS_NO_DISK, "xenfs" },
	{ 0x0a647361, WT_FS_NO_DISK, "functionfs" },
	{ 0xaee71ee7, WT_FS_NO_DISK, "gadgetfs" },
	{ 0x76a9f425, WT_FS_NO_DISK, "ocfs2_dlmfs" },
	{ OPENPROM_SUPER_MAGIC, WT_FS_NO_DISK, "openpromfs" },
	{ 0x12fd2872, WT_FS_NO_DISK, "s390_hypfs" },
	{ 0x23c9b64e, WT_FS_NO_DISK, "spufs" },
	{ 0x66726f67, WT_FS_NO_DISK, "ibmasmfs" },
	{ 0x00726a77, WT_FS_NO_DISK, "qibfs" },
	{ 0x6f70726f, WT_FS_NO_DISK, "oprofilefs" },
	{ USBDEVICE_SUPER_MAGIC, WT_FS_NO_DISK, "usbfs" },
	{ FUTEXFS_SUPER_MAGIC, WT_FS_NO_DISK, "futexfs" },
	{ PIPEFS_MAGIC, WT_FS_NO_DISK, "pipefs" },
	{ SOCKFS_MAGIC, WT_FS_NO_DISK, "sockfs" },
	{ ANON_INODE_FS_MAGIC, WT_FS_NO_DISK, "anon_inodefs" },
	{ NSFS_MAGIC, WT_FS_NO_DISK, "nsfs" },
	{ 0x50494446, WT_FS_NO_DISK, "pidfs" },
	{ BDEVFS_MAGIC, WT_FS_NO_DISK, "bdev" },
	{ DAXFS_MAGIC, WT_FS_NO_DISK, "dax" },
	{ MTD_INODE_FS_MAGIC, WT_FS_NO_DISK, "mtd_inodefs" },
};

static const struct wt_fs_kind other = { 0, 0, "other" };

const struct wt_fs_kind *wt_fs_kind_of(uint32_t magic)
{
	for (size_t i = 0; i < WT_LENGTH(kinds); i++)
		if (kinds[i].magic == magic)
			return &kinds[i];
	return &other;
}
